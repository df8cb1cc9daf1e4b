"""What was reported of each breaker and acknowledged by the operator."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from ..breakers.governed_breaker import GovernedBreaker
from ..core.state import TransitionEvent
from ..core.text import cut
from .limits import MAX_TRANSITIONS

MAX_ENTRIES = 1_000
MAX_REJECTIONS = 100
MAX_KEYS = 5_000
"""How many keys are remembered; the one that was reported longest ago is dropped first."""

Id = tuple[str, str | None]


@dataclass(frozen=True)
class _Answered:
    standing: tuple[Any, ...]
    totals: dict[str, int]
    latency: list[int]


@dataclass
class Entry:
    """An entry of a report."""

    id: Id
    report: dict[str, Any]
    size: int
    """Bytes of the report as JSON."""
    answered: _Answered
    changes: list[TransitionEvent] = field(default_factory=list)


class Ledger:
    """All that was not acknowledged is reported again, so that no count is lost or counted twice.

    There is one for the life of a process, however often its link is started. Its methods may be called from any thread.
    """

    def __init__(self, boot: str | None = None) -> None:
        self.boot = boot or os.urandom(16).hex()
        """128 random bits: names this process."""
        self._lock = threading.RLock()
        self._sequence = 0
        self._answered: dict[Id, _Answered] = {}
        self._changes: dict[Id, list[TransitionEvent]] = {}
        self._keys = 0

    def next_sequence(self) -> int:
        """One more than for the report before."""
        with self._lock:
            self._sequence += 1
            return self._sequence

    def changed(self, breaker: GovernedBreaker, event: TransitionEvent) -> None:
        with self._lock:
            id = (breaker.name, breaker.key)
            changes = self._changes.pop(id, [])
            changes.append(event)
            if len(changes) > MAX_TRANSITIONS:
                del changes[0]
            self._changes[id] = changes
            # A key is also removed while no operator answers; nothing else would remove its transitions then.
            if len(self._changes) > MAX_KEYS:
                _remove_first_key(self._changes)

    def is_pending(self, name: str, key: str | None) -> bool:
        """Whether something happened to a breaker that the operator has not answered."""
        return (name, key) in self._changes

    def entries(
        self, breakers: Iterable[tuple[str, str | None, GovernedBreaker]], is_all: bool, now: float
    ) -> list[Entry]:
        """What is to be reported: what changed since the last answer, or every one. ``now`` is on the clock of the changes."""
        # Reading a circuit can make its open state lapse, which is a change that belongs into this very report.
        read = [((name, key), breaker, breaker.state) for name, key, breaker in breakers]
        found: list[Entry] = []
        for id, breaker, state in read:
            # A breaker is read without the lock: whoever holds a lock of that breaker may wait for this one.
            with self._lock:
                before = self._answered.get(id)
                changes = list(self._changes.get(id, []))
            entry = _entry(id, breaker, state, now, before, changes)
            if is_all or not _is_same(entry, before):
                found.append(entry)
        return found

    def settle(self, entries: Iterable[Entry]) -> None:
        """The operator has answered these."""
        with self._lock:
            for entry in entries:
                self._remember(entry.id, entry.answered)
                told = {id(change) for change in entry.changes}
                rest = [change for change in self._changes.get(entry.id, []) if id(change) not in told]
                if rest:
                    self._changes[entry.id] = rest
                else:
                    self._changes.pop(entry.id, None)

    def _remember(self, id: Id, answered: _Answered) -> None:
        is_key = id[1] is not None
        if is_key and self._answered.pop(id, None) is None:
            self._keys += 1
        self._answered[id] = answered
        if self._keys > MAX_KEYS:
            _remove_first_key(self._answered)
            self._keys -= 1


def _remove_first_key(entries: dict[Id, Any]) -> None:
    """Remove the entry of the first key; those of breakers stay."""
    first = next((id for id in entries if id[1] is not None), None)
    if first is not None:
        del entries[first]


@dataclass
class Part:
    """What one request carries."""

    entries: list[Entry] = field(default_factory=list)
    rejections: list[dict[str, Any]] = field(default_factory=list)


def parts(entries: Iterable[Entry], rejections: Iterable[dict[str, Any]], most: int) -> list[Part]:
    """Cut a report into parts whose JSON stays below ``most`` bytes each; there is at least one."""
    part = Part()
    found = [part]
    size = 0
    for rejection in rejections:
        length = len(encoded(rejection))
        if size > 0 and (size + length >= most or len(part.rejections) >= MAX_REJECTIONS):
            part, size = Part(), 0
            found.append(part)
        size += length + 1
        part.rejections.append(rejection)
    for entry in entries:
        if size > 0 and (size + entry.size >= most or len(part.entries) >= MAX_ENTRIES):
            part, size = Part(), 0
            found.append(part)
        size += entry.size + 1
        part.entries.append(entry)
    return found


def encoded(value: object) -> bytes:
    """A value as JSON, as it travels."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _entry(
    id: Id,
    breaker: GovernedBreaker,
    state: str,
    now: float,
    before: _Answered | None,
    changes: list[TransitionEvent],
) -> Entry:
    name, key = id
    totals = {kind: int(count) for kind, count in breaker.totals.items()}
    latency = _trimmed(breaker.latency)
    forced = breaker.forced
    override = None if forced is None or forced[0].override is None else forced[0].override.uid
    shadow = breaker.mode == "Shadow" and forced is None
    uid = breaker.policy_uid
    failed = None if state == "closed" else breaker.circuit.last_error
    opted_in = _opted_in(breaker) if uid is not None and key is None else None
    report: dict[str, Any] = {
        "name": name,
        "key": key,
        "uid": uid,
        "state": state,
        "override": override,
        "shadow": True if shadow else None,
        "optedIn": opted_in,
        "since": max(0, round(breaker.since_ms)),
        "lastError": None if failed is None else asdict(failed),
        "totals": totals,
        "base": None if before is None else before.totals,
        "latency": latency or None,
        "baseLatency": None if before is None else before.latency or None,
        "transitions": [_told(change, now) for change in changes] or None,
    }
    report = {field: value for field, value in report.items() if value is not None}
    answered = _Answered((state, uid, shadow, opted_in, override), totals, latency)
    return Entry(id, report, len(encoded(report)), answered, changes)


def _is_same(entry: Entry, before: _Answered | None) -> bool:
    """Whether the last answer was to all that an entry tells."""
    if before is None or entry.changes:
        return False
    # The operator drops a key that is not reported; one that is not closed must stay visible.
    if entry.id[1] is not None and entry.report["state"] != "closed":
        return False
    return before.standing == entry.answered.standing and before.totals == entry.answered.totals


def _opted_in(breaker: GovernedBreaker) -> bool | None:
    """Whether any call let the policy's fallback answer; ``None`` where it has none and before the first call."""
    if not breaker.has_fallback:
        return None
    if breaker.opted_in:
        return True
    was_called = breaker.circuit.permits > 0 or breaker.totals["rejected"] > 0
    return False if was_called else None


def _told(event: TransitionEvent, now: float) -> dict[str, Any]:
    ago = max(0, round(now - event.at))
    return {"from": event.from_state, "to": event.to_state, "agoMs": ago, "reason": cut(event.reason, 64)}


def _trimmed(buckets: list[int]) -> list[int]:
    length = len(buckets)
    while length > 0 and buckets[length - 1] == 0:
        length -= 1
    return buckets[:length]
