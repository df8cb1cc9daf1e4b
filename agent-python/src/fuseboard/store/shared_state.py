"""Processes that open and close together."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator

from .. import process
from ..breakers.governed_breaker import GovernedBreaker
from ..core.config.duration import MAX_DURATION_MS
from ..core.exclusive import locked
from ..core.state import TransitionEvent
from ..link import fork
from ..link.timers import ThreadTimers
from ..warning import WarningLog
from ..warning import warn as warn_of
from .quorum import MemberCircuits, open_by_quorum, read_entry, write_entry
from .state_store import StateStore

REASON = "other processes see it open"
"""What a circuit that others opened says of itself."""
PROBING_S = 10.0
"""How long a circuit that waits for its probe still counts as open; without calls it would wait for ever."""


class SharedState:
    """The sharing of one process; see ``share_state``."""

    def __init__(
        self,
        store: StateStore,
        *,
        minimum_members: int,
        share_percent: float,
        breakers: Iterable[str] | None,
        interval: float,
        ttl: float,
        warn: WarningLog,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._minimum_members = minimum_members
        self._share_percent = share_percent
        self._only = None if breakers is None else frozenset(breakers)
        self._interval = interval
        self._ttl = ttl
        self._warn = warn
        self._now = now
        self._is_over = False
        self._opened_at: dict[str, float] = {}
        """When each circuit last opened by itself."""
        self._pid = os.getpid()
        self._begin()
        self._unsubscribe = process.registry().on_transition(self._changed)
        fork.on_fork(self._after_fork)

    @property
    def connected(self) -> bool:
        """Whether the others were heard within the time for which what they said counts."""
        return self._now() - self._heard_at <= self._ttl

    def exchange(self) -> None:
        """Exchange now; return when it is done or failed. Never raises."""
        trouble = self._exchange()
        if trouble is not None:
            self._warn(f"the store of shared states cannot be reached, breakers decide alone: {trouble}")

    @locked
    def _exchange(self) -> str | None:
        """Returns what is wrong with the store, once for each time it is lost."""
        if self._is_over:
            return None
        self._is_due = False
        try:
            with fork.no_fork():
                self._store.put(self._id, write_entry(self._circuits()), self._ttl)
                entries = self._store.all()
            self._heard_at = self._now()
            self._is_reachable = True
            members = [circuits for circuits in map(read_entry, entries) if circuits is not None]
            self._apply_quorum(open_by_quorum(members, self._minimum_members, self._share_percent))
        except Exception as error:
            was_reachable, self._is_reachable = self._is_reachable, False
            return f"{type(error).__name__}: {error}" if was_reachable else None
        return None

    def stop(self) -> None:
        """End it: take back what this process said. Waits at most ``ttl`` for an exchange under way; then the entry lapses anyway.

        Circuits that others opened here are half-open when the time is over for which that counted.
        """
        if self._is_over:
            return
        self._is_over = True
        self._unsubscribe()
        self._timers.stop()
        if not self._lock.acquire(timeout=self._ttl):
            return
        try:
            with fork.no_fork():
                self._store.remove(self._id)
        except Exception:
            # Then it lapses.
            pass
        finally:
            self._lock.release()

    def _begin(self) -> None:
        self._begun_in = os.getpid()
        self._id = str(uuid.uuid4())
        self._lock = threading.RLock()
        self._timers = ThreadTimers("fuseboard-shared-state")
        self._heard_at = self._now()
        self._is_reachable = True
        self._is_due = False
        self._soon()
        self._again()

    def _again(self) -> None:
        def turn() -> None:
            self.exchange()
            self._again()

        if not self._is_over:
            self._timers.after(self._interval * 1_000, turn)

    def _soon(self) -> None:
        """In the thread of the sharing: changes come from within calls, and often several at once."""
        if not self._is_due and not self._is_over:
            self._is_due = True
            self._timers.after(0, self.exchange)

    def _changed(self, breaker: GovernedBreaker, event: TransitionEvent) -> None:
        if event.to_state == "open" and event.reason != "forced-open":
            self._opened_at[breaker.name] = self._now()
        self._soon()

    def _after_fork(self) -> None:
        """In a forked child the thread is gone. It begins again with the first call, as those of the link do."""
        if self._is_over or self._pid == os.getpid():
            return
        self._pid = os.getpid()
        self._id = str(uuid.uuid4())
        self._lock = threading.RLock()
        self._is_due = True
        process.registry().on_first_call(self._first_call)

    def _first_call(self) -> None:
        if not self._is_over and self._begun_in != os.getpid():
            self._begin()

    def _circuits(self) -> MemberCircuits:
        """What this process sees itself. A circuit that is forced here is no opinion about the dependency."""
        circuits = MemberCircuits()
        for breaker in self._shared():
            forced = breaker.forced
            if forced is None:
                (circuits.open if self._sees_open(breaker) else circuits.closed).append(breaker.name)
            elif forced[0].reason == REASON:
                circuits.closed.append(breaker.name)
        return circuits

    def _sees_open(self, breaker: GovernedBreaker) -> bool:
        state = breaker.state
        if state != "half-open":
            return state == "open"
        return self._now() - self._opened_at.get(breaker.name, float("-inf")) <= PROBING_S

    def _apply_quorum(self, agreed: set[str]) -> None:
        """Open what the others see open, for as long as they are heard, and close what they no longer do.

        When they fall silent it lapses to half-open by itself. What this process opened itself, or what is forced, stays.
        """
        for breaker in self._shared():
            forced = breaker.forced
            is_ours = forced is not None and forced[0].reason == REASON
            if breaker.name in agreed:
                if is_ours or (forced is None and breaker.state == "closed"):
                    breaker.circuit.force_open(self._ttl * 1_000, REASON)
            elif is_ours:
                breaker.circuit.reset()

    def _shared(self) -> Iterator[GovernedBreaker]:
        for name, key, breaker in process.registry().breakers():
            if key is None and (self._only is None or name in self._only) and breaker.mode == "Enforce":
                yield breaker


def share_state(
    store: StateStore,
    *,
    minimum_members: int = 2,
    share_percent: float = 50,
    breakers: Iterable[str] | None = None,
    interval: float = 1.0,
    ttl: float | None = None,
    warn: Callable[[str], None] = warn_of,
    now: Callable[[], float] = time.monotonic,
) -> SharedState:
    """Share opening and closing between processes that have no operator.

    Each says which of its circuits it opened itself; where enough members see one open, ``minimum_members`` that are
    ``share_percent`` of those that use it, the others open theirs too, and close it again when there are no longer enough. So
    one bad member opens nobody's circuit. Calls never wait for any of this. Only breakers whose mode is Enforce take part.

    ``breakers``: which ones are shared; absent: all. ``interval``: seconds between two exchanges; changes of state are exchanged
    at once. ``ttl``: seconds for which what a member said counts, also how long the last view of the others holds when the store
    cannot be reached; absent: five intervals. ``warn`` takes trouble with the store, once for each time it is lost. ``now`` is a
    monotonic clock in seconds. Raises ``ValueError`` when a number cannot be used.
    """
    lasts = 5 * interval if ttl is None else ttl
    _at_least("minimum_members", minimum_members, 1)
    _at_least("share_percent", share_percent, 1)
    _at_least("interval", interval, 0.01)
    _at_least("ttl", lasts, interval)
    if lasts * 1_000 > MAX_DURATION_MS:
        raise ValueError(f"ttl is {lasts}; give at most a day, {MAX_DURATION_MS // 1_000}")
    return SharedState(
        store,
        minimum_members=minimum_members,
        share_percent=share_percent,
        breakers=breakers,
        interval=interval,
        ttl=lasts,
        warn=WarningLog(warn),
        now=now,
    )


def _at_least(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise ValueError(f"{name} is {value}; give a number from {least}")
