"""The overrides of a process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .policy_set import Override
from .routes import RouteIndex


class Overrides:
    """Which override holds a breaker, and which resets are still to be done."""

    def __init__(self) -> None:
        self._held: dict[str, Override] = {}
        self._index = RouteIndex(())
        self._done: frozenset[str] = frozenset()
        """Resets that were done and may be sent again."""

    def take(self, everything: Iterable[Override], now: float) -> list[Override]:
        """Take all that there are now; return the resets that this process has not done yet, the newest first."""
        by_name = sorted((each for each in everything if each.ends_at > now), key=lambda each: each.name, reverse=True)
        newest_first = sorted(by_name, key=lambda each: each.created_at, reverse=True)
        resets = [each for each in newest_first if each.action == "Reset"]
        due = [each for each in resets if each.uid not in self._done]
        self._done = frozenset(each.uid for each in resets)
        holding = [each for each in newest_first if each.action != "Reset"]
        self._held = {each.uid: each for each in holding}
        self._index = index_of(holding)
        return due

    def holding(self, name: str) -> Override | None:
        """What holds the breaker of this name: of several the newest."""
        uid = self._index.uid_for(name) if self._held else None
        return None if uid is None else self._held.get(uid)


def index_of(overrides: Sequence[Override]) -> RouteIndex:
    """Finds the first of these that names a breaker."""
    return RouteIndex((pattern, each.uid) for each in overrides for pattern in each.breakers)
