"""The circuits of one breaker's keys."""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING

from ..core.counters import Totals
from ..core.defaults import LATENCY_BUCKETS
from ..core.text import utf16_length

if TYPE_CHECKING:
    from .circuit import Circuit

OVERFLOW = "*"
"""Stands for all keys that share a circuit, because there are too many or they are too long."""

_MAX_KEY_LENGTH = 256
_BUSIEST = 20
"""How many keys with a closed circuit are reported one by one."""
_SWEEP_EVERY_MS = 1_000


class KeyedCircuits:
    """Only closed circuits that nobody uses leave, so that no flood of keys can make an outage be forgotten."""

    def __init__(self, owner: Circuit) -> None:
        self._owner = owner
        self._entries: dict[str, tuple[Circuit, list[float]]] = {}
        """Each with when it was last used."""
        self._overflow: Circuit | None = None
        self._swept_at = -math.inf
        self._left: Totals | None = None
        """What the keys that left had counted."""
        self._left_latency = [0] * LATENCY_BUCKETS
        self._lock = RLock()

    def use(self, key: str) -> Circuit:
        """The circuit of a key, made when it is first used; the shared one while there is no room."""
        now = self._owner.environment.now()
        entry = self._entries.get(key)
        if entry is None:
            with self._lock:
                entry = self._entries.get(key)
                if entry is None:
                    too_long = utf16_length(key) > _MAX_KEY_LENGTH
                    if key == OVERFLOW or too_long or not self._has_room(now):
                        return self._shared()
                    entry = (self._owner.circuit_of(key), [now])
                    self._entries[key] = entry
        entry[1][0] = now
        return entry[0]

    def all(self) -> list[Circuit]:
        """Every circuit, the shared one too."""
        with self._lock:
            found = [circuit for circuit, _ in self._entries.values()]
            if self._overflow is not None:
                found.append(self._overflow)
            return found

    def listed(self, wanted: Callable[[str], bool]) -> list[Circuit]:
        """What is reported key by key: circuits that are not closed, those wanted, and the busiest of the others."""
        with self._lock:
            self._sweep(self._owner.environment.now())
        listed: list[Circuit] = []
        others: list[Circuit] = []
        for circuit in self.all():
            # What holds all keys alike is told of their breaker.
            held = circuit.core.forced
            stands = circuit.core.state != "closed" and (held is None or held[0].override is None)
            (listed if stands or wanted(circuit.key or "") else others).append(circuit)
        others.sort(key=lambda circuit: circuit.core.permits, reverse=True)
        return [*listed, *others[:_BUSIEST]]

    def totals(self, own: Totals) -> Totals:
        """What all keys have counted, those that left too, added to the breaker's own."""
        total = own if self._left is None else _added(own, self._left)
        for circuit in self.all():
            total = _added(total, circuit.core.totals())
        return total

    def latency(self, own: list[int]) -> list[int]:
        total = [a + b for a, b in zip(own, self._left_latency, strict=True)]
        for circuit in self.all():
            total = [a + b for a, b in zip(total, circuit.core.latency(), strict=True)]
        return total

    def after_fork(self) -> None:
        self._lock = RLock()
        self._left = None
        self._left_latency = [0] * LATENCY_BUCKETS
        for circuit in self.all():
            circuit.after_fork()

    def _shared(self) -> Circuit:
        if self._overflow is None:
            self._overflow = self._owner.circuit_of(OVERFLOW)
        return self._overflow

    def _has_room(self, now: float) -> bool:
        most = self._owner.core.config.call.per_key.max_keys
        if len(self._entries) >= most:
            self._sweep(now)
        return len(self._entries) < most

    def _sweep(self, now: float) -> None:
        if now - self._swept_at < _SWEEP_EVERY_MS:
            return
        idle_ms = self._owner.core.config.call.per_key.idle_ms
        self._swept_at = now
        for key, (circuit, used_at) in list(self._entries.items()):
            if now - used_at[0] < idle_ms or not circuit.is_quiet:
                continue
            totals, latency = circuit.core.totals(), circuit.core.latency()
            self._left = totals if self._left is None else _added(self._left, totals)
            self._left_latency = [a + b for a, b in zip(self._left_latency, latency, strict=True)]
            del self._entries[key]


def _added(a: Totals, b: Totals) -> Totals:
    return {name: count + b[name] for name, count in a.items()}
