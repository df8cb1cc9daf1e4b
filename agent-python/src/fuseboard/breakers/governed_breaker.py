"""The breaker as the registry uses it, of a name or of one key of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

from ..call.call_layers import CallLayers, call_layers_for
from ..call.sync_calls import SyncCalls
from ..core.circuit import Circuit
from ..core.classify import Classify
from ..core.clock import Environment
from ..core.config.config import Mode
from ..core.config.guard import GuardField
from ..core.counters import Totals
from ..core.forced_state import Forced, OverrideRef, forced_detail
from ..core.state import State, TransitionEvent
from .breakers_by_key import BreakersByKey
from .governor import Governor, Source
from .listeners import Listeners
from .policy_set import Override, Policy

_SAME_END_MS = 1_000
"""Ends that two replicas of the operator tell for one override differ by less."""


class Runtime(Protocol):
    """What all breakers of a process share."""

    environment: Environment

    def transitioned(self, breaker: GovernedBreaker, event: TransitionEvent) -> None:
        """Every change of state, after the breaker's own listeners were notified. Must not raise."""

    def guarded_by(self, name: str, policy_uid: str | None) -> tuple[GuardField, ...]:
        """The fields of the guard that change what governs the breaker of this name."""
        ...

    def first_call_listener(self) -> Callable[[], None] | None:
        """Called with the first call; ``None`` when there was one."""


class GovernedBreaker:
    """A breaker of a name, or of one key of it; there may be very many."""

    __slots__ = (
        "_governor",
        "_listeners",
        "_override",
        "_runtime",
        "circuit",
        "is_nesting_known",
        "key",
        "keys",
        "layers",
        "name",
        "opted_in",
        "parent",
        "sync_calls",
    )

    def __init__(
        self,
        name: str,
        governor: Governor,
        runtime: Runtime,
        key: str | None = None,
        parent: GovernedBreaker | None = None,
    ) -> None:
        self.name = name
        self.key = key
        """The key whose breaker it is. ``None``: the breaker of the name itself."""
        self.parent = parent
        """The breaker whose key this is."""
        self.keys: BreakersByKey | None = None
        """The breakers of its keys, once one was asked for."""
        self.opted_in = False
        """Whether any call, with a key or without, let the fallback of the policy answer."""
        self.is_nesting_known = False
        """Whether it was warned about being used twice around one call."""
        self.sync_calls: SyncCalls | None = None
        """Synchronous calls under a time limit, once there was one."""
        self._runtime = runtime
        self._governor = governor
        self._listeners: Listeners[[TransitionEvent]] | None = None
        self._override: Override | None = None
        self.circuit = Circuit(governor.config, runtime.environment, self._transitioned, runtime.first_call_listener())
        self.layers: CallLayers | None = call_layers_for(governor.config, None)
        self._update_is_plain()

    # State and counts

    @property
    def environment(self) -> Environment:
        return self._runtime.environment

    @property
    def state(self) -> State:
        self.expire_sync_calls()
        return self.circuit.state

    @property
    def since_ms(self) -> float:
        """How long the state has lasted, in milliseconds."""
        return self.circuit.since_ms

    @property
    def totals(self) -> Totals:
        """What was counted since the breaker was made, by all its keys together, by the names of the wire."""
        self.expire_sync_calls()
        own = self.circuit.totals()
        return own if self.keys is None else self.keys.totals(own)

    @property
    def latency(self) -> list[int]:
        """How many calls took how long, by all its keys together; bucket i counts those under 2^i x 0.125 ms."""
        own = self.circuit.latency()
        return own if self.keys is None else self.keys.latency(own)

    @property
    def mode(self) -> Mode:
        return self.circuit.config.mode

    @property
    def never_opens(self) -> bool:
        """Whether nothing can open the circuit, although the mode does not say so."""
        config = self.circuit.config
        return config.mode != "Disabled" and not config.has_trip

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
    def guarded_by(self) -> tuple[GuardField, ...]:
        """The fields of the service's guard that change what the policy or an override says for it."""
        return self._runtime.guarded_by(self.name, self.policy_uid)

    @property
    def defaults(self) -> Governor:
        """What governs while no policy does."""
        return self._governor.defaults or self._governor

    @property
    def forced(self) -> tuple[Forced, float] | None:
        """The state that somebody holds it in, and how many milliseconds that still lasts."""
        return self.circuit.forced

    @property
    def has_fallback(self) -> bool:
        """Whether the policy has a fallback."""
        return self.layers is not None and self.layers.config.fallback is not None

    @property
    def is_quiet(self) -> bool:
        """Whether nothing would be missed without this breaker: closed, not forced, nothing under way, no listener."""
        circuit = self.circuit
        if circuit.state != "closed" or circuit.forced is not None or self._listeners:
            return False
        totals = circuit.totals()
        return circuit.permits == totals["succeeded"] + totals["failed"] + totals["ignored"]

    # What governs it

    def govern(self, governor: Governor) -> None:
        """Apply another policy or another version of one. An edit keeps state and samples unless the new spec says Reset."""
        changed = governor.text != self._governor.text
        self._governor = governor
        if changed:
            # Its keys use what the layers keep.
            self.layers = call_layers_for(governor.config, self.layers)
            self._update_is_plain()
        if self.keys is not None:
            for breaker in self.keys.all():
                breaker.govern(governor)
        if changed:
            self.circuit.configure(governor.config, governor.config.reset_on_update)

    def apply_override(self, override: Override | None) -> None:
        """Apply an override, or none any more."""
        if override is None and self._override is None:
            return
        self._override = override
        if self.keys is not None:
            for breaker in self.keys.all():
                breaker.apply_override(override)
        circuit = self.circuit
        left_ms = 0.0 if override is None else override.ends_at - self.environment.now()
        if override is None or left_ms <= 0:
            circuit.release()
            return
        held = circuit.forced
        if held is not None:
            forced, ends_in_ms = held
            is_same = forced.override is not None and forced.override.uid == override.uid
            if is_same and abs(ends_in_ms - left_ms) < _SAME_END_MS:
                return
        by = OverrideRef(override.uid, override.name)
        force = circuit.force_open if override.action == "ForceOpen" else circuit.force_closed
        force(left_ms, override.reason, by)

    def reset_from_override(self, override: Override) -> None:
        """Start closed and empty with all its keys, as an override says."""
        why = forced_detail(override.reason, OverrideRef(override.uid, override.name))
        self.circuit.reset(why)
        if self.keys is not None:
            for breaker in self.keys.all():
                breaker.circuit.reset(why)

    def use_classifier(self, classify: Classify) -> None:
        """Classify outcomes of calls before the policy does."""
        self.circuit.classify = classify
        self._update_is_plain()
        if self.keys is not None:
            for breaker in self.keys.all():
                breaker.use_classifier(classify)

    def breaker_of(self, key: str) -> GovernedBreaker:
        """Make the breaker of a key."""
        made = GovernedBreaker(self.name, self._governor, self._runtime, key, self)
        if self.circuit.classify is not None:
            made.use_classifier(self.circuit.classify)
        made.apply_override(self._override)
        return made

    def by_key(self) -> BreakersByKey:
        if self.keys is None:
            self.keys = BreakersByKey(self)
        return self.keys

    def listed_keys(self, wanted: Callable[[str], bool]) -> Iterator[GovernedBreaker]:
        """The breakers of keys that are worth a report of their own."""
        if self.keys is not None:
            yield from self.keys.listed(wanted)

    def listen(self, listener: Callable[[TransitionEvent], None]) -> Callable[[], None]:
        """Call a listener with each transition, those of its keys too; return a function that ends the subscription."""
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
        """Start counting for a child process; see ``Circuit.after_fork``."""
        self.sync_calls = None
        self.circuit.after_fork(self._runtime.first_call_listener())
        if self.layers is not None:
            self.layers.after_fork()
        if self.keys is not None:
            self.keys.after_fork()

    def _update_is_plain(self) -> None:
        layers = self.layers
        has_layers = layers is not None and not layers.config.is_plain
        has_limit = self._governor.config.timeout_ms != 0
        self.circuit.set_plain(not has_layers and not has_limit and self.circuit.classify is None)

    def _transitioned(self, event: TransitionEvent) -> None:
        own = event if self.key is None else replace(event, key=self.key)
        self._notify_listeners(own)
        if self.parent is not None:
            self.parent._notify_listeners(own)
        self._runtime.transitioned(self, own)

    def _notify_listeners(self, event: TransitionEvent) -> None:
        if self._listeners is not None:
            self._listeners.notify(f'breaker "{self.name}"', event)
