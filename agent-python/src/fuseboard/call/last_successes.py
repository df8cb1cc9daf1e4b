"""The last good result for each key."""

from __future__ import annotations

from threading import Lock

_MAX_ENTRIES = 100
"""How many keys a breaker keeps an answer for."""


class LastSuccesses:
    """The least recently used key leaves first. A breaker and those of its keys share one."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str | None, str], tuple[object, float]] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def set(self, key: tuple[str | None, str], value: object, at: float) -> None:
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = (value, at)
            if len(self._kept) > _MAX_ENTRIES:
                self._kept.pop(next(iter(self._kept)))

    def get(self, key: tuple[str | None, str], now: float, max_age_ms: float) -> tuple[object] | None:
        """The answer in a tuple of one; ``None`` where there is none. ``max_age_ms`` 0: any age."""
        with self._lock:
            kept = self._kept.pop(key, None)
            if kept is None or (max_age_ms != 0 and now - kept[1] > max_age_ms):
                return None
            self._kept[key] = kept
            return (kept[0],)
