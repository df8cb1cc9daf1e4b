"""The states that a circuit is forced into, and its record of having been open or forced."""

from __future__ import annotations

from dataclasses import dataclass

from .state import State

NOT_AN_OPENING = -1
"""A forced open state is no opening: the next one is the first."""


@dataclass(frozen=True)
class OverrideRef:
    """An override as a circuit knows it."""

    uid: str
    name: str


@dataclass(frozen=True)
class Forced:
    """A state that a circuit is forced into."""

    state: State
    until: float
    """When it ends by itself, in milliseconds of the clock."""
    reason: str
    override: OverrideRef | None = None
    """``None``: the code of this process holds it."""


@dataclass(frozen=True, slots=True)
class History:
    """What a circuit keeps of having been open or forced."""

    forced: Forced | None = None
    reopenings: int = 0
    """How many times in a row the circuit had opened before it last did."""
    last_open_ms: float = 0
    """How long it last was open."""


NO_HISTORY = History()


def forced_detail(reason: str, override: OverrideRef | None) -> str:
    """Why a state was forced, for listeners."""
    return reason if override is None else f'override "{override.name}": {reason}'
