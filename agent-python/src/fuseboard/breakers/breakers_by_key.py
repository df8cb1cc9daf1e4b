"""The breakers of the keys of one breaker, each with a circuit of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING

from ..core.config.defaults import LATENCY_BUCKETS
from ..core.counters import Totals
from ..core.exclusive import locked
from ..core.text import utf16_length

if TYPE_CHECKING:
    from .governed_breaker import GovernedBreaker

OVERFLOW = "*"
"""Stands for all keys that share a breaker, because there are too many or they are too long."""

_MAX_KEY_LENGTH = 256
_BUSIEST = 20
"""How many keys with a closed circuit are reported one by one."""
_SWEEP_EVERY_MS = 1_000


class BreakersByKey:
    """The breakers of the keys that are in use. A key leaves only while it is closed and unused: no flood of keys makes an outage forgotten."""

    def __init__(self, owner: GovernedBreaker) -> None:
        self._owner = owner
        self._entries: dict[str, tuple[GovernedBreaker, list[float]]] = {}
        """Each with when it was last used."""
        self._overflow: GovernedBreaker | None = None
        self._swept_at = -math.inf
        self._left: Totals | None = None
        """What the keys that left had counted."""
        self._left_latency = [0] * LATENCY_BUCKETS
        self._lock = RLock()

    def use(self, key: str) -> GovernedBreaker:
        """The breaker of a key, made when it is first used; the shared one while there is no room."""
        now = self._owner.environment.now()
        entry = self._entries.get(key)
        if entry is None:
            return self._make(key, now)
        entry[1][0] = now
        return entry[0]

    def all(self) -> list[GovernedBreaker]:
        """Every breaker, the shared one too."""
        with self._lock:
            found = [breaker for breaker, _ in self._entries.values()]
            if self._overflow is not None:
                found.append(self._overflow)
            return found

    def listed(self, wanted: Callable[[str], bool]) -> list[GovernedBreaker]:
        """What is reported key by key: those that are not closed, those wanted, and the busiest of the others."""
        self._sweep(self._owner.environment.now(), wanted)
        listed: list[GovernedBreaker] = []
        others: list[GovernedBreaker] = []
        for breaker in self.all():
            # An override holds all keys alike, so the report has it once, for their breaker.
            held = breaker.circuit.forced
            is_tripped = breaker.circuit.state != "closed" and (held is None or held[0].override is None)
            (listed if is_tripped or wanted(breaker.key or "") else others).append(breaker)
        others.sort(key=lambda breaker: breaker.circuit.permits, reverse=True)
        return [*listed, *others[:_BUSIEST]]

    def totals(self, own: Totals) -> Totals:
        """What all keys have counted, those that left too, added to the breaker's own."""
        total = own if self._left is None else _added(own, self._left)
        for breaker in self.all():
            total = _added(total, breaker.circuit.totals())
        return total

    def latency(self, own: list[int]) -> list[int]:
        total = [a + b for a, b in zip(own, self._left_latency, strict=True)]
        for breaker in self.all():
            total = [a + b for a, b in zip(total, breaker.circuit.latency(), strict=True)]
        return total

    def after_fork(self) -> None:
        self._lock = RLock()
        self._left = None
        self._left_latency = [0] * LATENCY_BUCKETS
        for breaker in self.all():
            breaker.after_fork()

    @locked
    def _make(self, key: str, now: float) -> GovernedBreaker:
        entry = self._entries.get(key)
        if entry is None:
            too_long = utf16_length(key) > _MAX_KEY_LENGTH
            if key == OVERFLOW or too_long or not self._has_room(now):
                return self._shared()
            entry = self._entries[key] = (self._owner.breaker_of(key), [now])
        entry[1][0] = now
        return entry[0]

    def _shared(self) -> GovernedBreaker:
        if self._overflow is None:
            self._overflow = self._owner.breaker_of(OVERFLOW)
        return self._overflow

    def _has_room(self, now: float) -> bool:
        most = self._owner.circuit.config.call.per_key.max_keys
        if len(self._entries) >= most:
            self._sweep(now)
        return len(self._entries) < most

    @locked
    def _sweep(self, now: float, wanted: Callable[[str], bool] | None = None) -> None:
        """Remove idle keys, except those wanted."""
        if now - self._swept_at < _SWEEP_EVERY_MS:
            return
        idle_ms = self._owner.circuit.config.call.per_key.idle_ms
        self._swept_at = now
        for key, (breaker, used_at) in list(self._entries.items()):
            if now - used_at[0] < idle_ms or not breaker.is_quiet or (wanted is not None and wanted(key)):
                continue
            totals, latency = breaker.circuit.totals(), breaker.circuit.latency()
            self._left = totals if self._left is None else _added(self._left, totals)
            self._left_latency = [a + b for a, b in zip(self._left_latency, latency, strict=True)]
            del self._entries[key]


def _added(a: Totals, b: Totals) -> Totals:
    return {name: count + b[name] for name, count in a.items()}
