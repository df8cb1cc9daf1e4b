"""When what members see becomes what everyone does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeGuard

from ..link.messages import parse_json

MAX_NAMES = 2_000
MAX_ENTRY_CHARS = 300_000


@dataclass(frozen=True)
class MemberCircuits:
    """What one member sees with its own eyes; a circuit that it opened because others did is no opinion of its own."""

    open: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)


def open_by_quorum(members: Iterable[MemberCircuits], minimum_members: int, share_percent: float) -> set[str]:
    """The breakers that a quorum of members sees open. Each member counts once for each breaker."""
    votes: dict[str, list[int]] = {}
    for view in members:
        seen_open = set(view.open)
        for name in seen_open:
            vote = votes.setdefault(name, [0, 0])
            vote[0] += 1
            vote[1] += 1
        for name in set(view.closed) - seen_open:
            votes.setdefault(name, [0, 0])[1] += 1
    return {
        name
        for name, (opened, everyone) in votes.items()
        if opened >= minimum_members and opened * 100 >= share_percent * everyone
    }


def write_entry(circuits: MemberCircuits) -> str:
    """The entry of a member; of very many breakers, the first 2,000, open ones first."""
    kept = circuits.open[:MAX_NAMES]
    closed = circuits.closed[: MAX_NAMES - len(kept)]
    return json.dumps({"version": 1, "open": kept, "closed": closed}, separators=(",", ":"))


def read_entry(text: str) -> MemberCircuits | None:
    """Read an entry; whatever cannot be one is nobody's opinion."""
    if len(text) > MAX_ENTRY_CHARS:
        return None
    try:
        value = parse_json(text)
    except ValueError:
        return None
    if not isinstance(value, dict) or value.get("version") != 1:
        return None
    opened, closed = value.get("open"), value.get("closed")
    return MemberCircuits(opened, closed) if _is_names(opened) and _is_names(closed) else None


def _is_names(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and len(value) <= MAX_NAMES and all(isinstance(name, str) for name in value)
