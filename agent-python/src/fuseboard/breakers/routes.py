"""Which route governs a name."""

from __future__ import annotations

from collections.abc import Iterable


class RouteIndex:
    """Finds the first route of a list that matches, by looking the name and its prefixes up."""

    def __init__(self, routes: Iterable[tuple[str, str]]) -> None:
        """``routes``: name, prefix with a trailing ``*``, or ``*``, to uid, in order of precedence."""
        self._exact: dict[str, tuple[int, str]] = {}
        self._prefixes: dict[str, tuple[int, str]] = {}
        for position, (pattern, uid) in enumerate(routes):
            if pattern.endswith("*"):
                self._prefixes.setdefault(pattern[:-1], (position, uid))
            else:
                self._exact.setdefault(pattern, (position, uid))

    def uid_for(self, name: str) -> str | None:
        """The uid of the policy that governs a name, if any does."""
        first = self._exact.get(name)
        if self._prefixes:
            for length in range(len(name) + 1):
                route = self._prefixes.get(name[:length])
                if route is not None and (first is None or route[0] < first[0]):
                    first = route
        return None if first is None else first[1]
