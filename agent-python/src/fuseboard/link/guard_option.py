"""The option ``guard`` of ``start``."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.config.duration import parse_duration
from ..core.config.guard import GUARD_FIELDS, NO_LIMITS, GuardField, Limits
from ..core.text import hint_for
from ..errors import ConfigError


def read_guard(guard: Mapping[str, object] | None) -> Limits:
    """Read a guard; raises ``TypeError`` for a field that does not exist and ``ConfigError`` for a value that cannot be used."""
    if guard is None:
        return NO_LIMITS
    if not isinstance(guard, Mapping):
        raise TypeError(f"guard must be a mapping with {', '.join(GUARD_FIELDS)}, not {type(guard).__name__}")
    for field in guard:
        if field not in GUARD_FIELDS:
            raise TypeError(f"guard has no field {str(field)[:64]!r}; {hint_for(str(field), GUARD_FIELDS)}")
    never = guard.get("neverForceOpen")
    if never is not None and not isinstance(never, bool):
        raise ConfigError("", 0, f"guard.neverForceOpen must be True or False, not {never!r}")
    durations: tuple[GuardField, ...] = ("maxOpenDuration", "minTimeout")
    texts = tuple((field, str(guard[field])) for field in durations if guard.get(field) is not None)
    return Limits(
        _duration(guard, "maxOpenDuration"), _duration(guard, "minTimeout"), never_force_open=bool(never), texts=texts
    )


def _duration(guard: Mapping[str, object], field: GuardField) -> int | None:
    given = guard.get(field)
    ms = parse_duration(given)
    if given is not None and ms is None:
        raise ConfigError(
            "", 0, f"guard.{field} must be a duration such as 500ms or 2m, from 1ms to 24h, not {given!r}"
        )
    return ms
