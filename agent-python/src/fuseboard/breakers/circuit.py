"""What calls run through: the circuit of a breaker, or of one of its keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

from ..call.call_guards import CallGuards, call_guards_for
from ..call.sync_calls import SyncCalls
from ..core.breaker import BreakerCore, Forced, OverrideRef, forced_detail
from ..core.classify import Classify
from ..core.clock import Environment
from ..core.config import Mode
from ..core.counters import Totals
from ..core.state import State, TransitionEvent
from .governor import Governor, Source
from .keyed_circuits import KeyedCircuits
from .listeners import Listeners
from .policy_set import Override, Policy

_SAME_END_MS = 1_000
"""Ends that two replicas of the operator tell for one override differ by less."""


class Runtime(Protocol):
    """What all breakers of a process share."""

    environment: Environment

    def transitioned(self, circuit: Circuit, event: TransitionEvent) -> None:
        """Every change of state, after the breaker's own listeners were notified. Must not raise."""

    def first_call_listener(self) -> Callable[[], None] | None:
        """Called with the first call; ``None`` when there was one."""


class Circuit:
    """The circuit of a breaker, or of one key; there may be very many."""

    __slots__ = (
        "_governor",
        "_listeners",
        "_override",
        "_runtime",
        "core",
        "guards",
        "key",
        "keys",
        "name",
        "opted_in",
        "parent",
        "sync_calls",
    )

    def __init__(
        self, name: str, governor: Governor, runtime: Runtime, key: str | None = None, parent: Circuit | None = None
    ) -> None:
        self.name = name
        self.key = key
        """The key whose circuit it is. ``None``: the breaker's own."""
        self.parent = parent
        """The circuit of the breaker whose key this is."""
        self.keys: KeyedCircuits | None = None
        """The circuits of a breaker's keys, once one was asked for."""
        self.opted_in = False
        """Whether any call, with a key or without, let the fallback of the policy answer."""
        self.sync_calls: SyncCalls | None = None
        """Synchronous calls under a time limit, once there was one."""
        self._runtime = runtime
        self._governor = governor
        self._listeners: Listeners[[TransitionEvent]] | None = None
        self._override: Override | None = None
        self.core = BreakerCore(governor.config, runtime.environment, self._transitioned, runtime.first_call_listener())
        self.guards: CallGuards | None = call_guards_for(governor.config, None)
        self._update_is_plain()

    # What it is doing

    @property
    def environment(self) -> Environment:
        return self._runtime.environment

    @property
    def state(self) -> State:
        self.expire_sync_calls()
        return self.core.state

    @property
    def since_ms(self) -> float:
        """How long the state has lasted, in milliseconds."""
        return self.core.since_ms

    @property
    def totals(self) -> Totals:
        """What was counted since the breaker was made, by all its keys together, by the names of the wire."""
        self.expire_sync_calls()
        own = self.core.totals()
        return own if self.keys is None else self.keys.totals(own)

    @property
    def latency(self) -> list[int]:
        """How many calls took how long, by all its keys together; bucket i counts those under 2^i x 0.125 ms."""
        own = self.core.latency()
        return own if self.keys is None else self.keys.latency(own)

    @property
    def mode(self) -> Mode:
        return self.core.config.mode

    @property
    def source(self) -> Source:
        return self._governor.source

    @property
    def policy(self) -> Policy | None:
        return self._governor.policy

    @property
    def policy_uid(self) -> str | None:
        """The uid of the policy that governs; ``None`` when none does."""
        policy = self._governor.policy
        return None if policy is None else policy.uid

    @property
    def defaults(self) -> Governor:
        """What governs while no policy does."""
        return self._governor.defaults or self._governor

    @property
    def forced(self) -> tuple[Forced, float] | None:
        """The state that somebody holds it in, and how many milliseconds that still lasts."""
        return self.core.forced

    @property
    def has_fallback(self) -> bool:
        """Whether the policy has a fallback."""
        return self.guards is not None and self.guards.config.fallback is not None

    @property
    def is_quiet(self) -> bool:
        """Whether nothing would be missed without this circuit: closed, not forced, nothing under way, no listener."""
        core = self.core
        if core.state != "closed" or core.forced is not None or self._listeners:
            return False
        totals = core.totals()
        return core.permits == totals["succeeded"] + totals["failed"] + totals["ignored"]

    # What governs it

    def govern(self, governor: Governor) -> None:
        """Apply another policy or another version of one. An edit keeps state and samples unless the new spec says Reset."""
        changed = governor.text != self._governor.text
        self._governor = governor
        if changed:
            # Its keys use what the guards keep.
            self.guards = call_guards_for(governor.config, self.guards)
            self._update_is_plain()
        if self.keys is not None:
            for circuit in self.keys.all():
                circuit.govern(governor)
        if changed:
            self.core.configure(governor.config, governor.config.reset_on_update)

    def apply_override(self, override: Override | None) -> None:
        """Apply an override, or none any more."""
        if override is None and self._override is None:
            return
        self._override = override
        if self.keys is not None:
            for circuit in self.keys.all():
                circuit.apply_override(override)
        core = self.core
        left_ms = 0.0 if override is None else override.ends_at - self.environment.now()
        if override is None or left_ms <= 0:
            core.release()
            return
        held = core.forced
        if held is not None:
            forced, ends_in_ms = held
            is_same = forced.override is not None and forced.override.uid == override.uid
            if is_same and abs(ends_in_ms - left_ms) < _SAME_END_MS:
                return
        by = OverrideRef(override.uid, override.name)
        force = core.force_open if override.action == "ForceOpen" else core.force_closed
        force(left_ms, override.reason, by)

    def reset_from_override(self, override: Override) -> None:
        """Start closed and empty with all its keys, as an override says."""
        why = forced_detail(override.reason, OverrideRef(override.uid, override.name))
        self.core.reset(why)
        if self.keys is not None:
            for circuit in self.keys.all():
                circuit.core.reset(why)

    def use_classifier(self, classify: Classify) -> None:
        """Classify outcomes of calls before the policy does."""
        self.core.classify = classify
        self._update_is_plain()
        if self.keys is not None:
            for circuit in self.keys.all():
                circuit.use_classifier(classify)

    def circuit_of(self, key: str) -> Circuit:
        """Make the circuit of a key."""
        made = Circuit(self.name, self._governor, self._runtime, key, self)
        if self.core.classify is not None:
            made.use_classifier(self.core.classify)
        made.apply_override(self._override)
        return made

    def keyed(self) -> KeyedCircuits:
        if self.keys is None:
            self.keys = KeyedCircuits(self)
        return self.keys

    def listed_keys(self, wanted: Callable[[str], bool]) -> Iterator[Circuit]:
        """The circuits of keys that are worth a report of their own."""
        if self.keys is not None:
            yield from self.keys.listed(wanted)

    def listen(self, listener: Callable[[TransitionEvent], None]) -> Callable[[], None]:
        """Tell of changes of state, those of its keys too; return a function that ends it."""
        if self._listeners is None:
            self._listeners = Listeners()
        return self._listeners.add(listener)

    def watch_sync_calls(self) -> SyncCalls:
        if self.sync_calls is None:
            self.sync_calls = SyncCalls()
        return self.sync_calls

    def expire_sync_calls(self) -> None:
        """Settle the synchronous calls whose time is up."""
        if self.sync_calls is not None:
            self.sync_calls.expire_due(self.environment.now())

    def after_fork(self) -> None:
        """Start counting for a child process; see ``BreakerCore.after_fork``."""
        self.sync_calls = None
        self.core.after_fork(self._runtime.first_call_listener())
        if self.guards is not None:
            self.guards.after_fork()
        if self.keys is not None:
            self.keys.after_fork()

    def _update_is_plain(self) -> None:
        guards = self.guards
        has_guards = guards is not None and not guards.config.is_plain
        self.core.is_plain = not has_guards and self._governor.config.timeout_ms == 0 and self.core.classify is None

    def _transitioned(self, event: TransitionEvent) -> None:
        own = event if self.key is None else replace(event, key=self.key)
        self._notify_listeners(own)
        if self.parent is not None:
            self.parent._notify_listeners(own)
        self._runtime.transitioned(self, own)

    def _notify_listeners(self, event: TransitionEvent) -> None:
        if self._listeners is not None:
            self._listeners.notify(f'breaker "{self.name}"', event)
