"""What the code of a service lets no policy and no override pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypedDict

from .config import Config


class Guard(TypedDict, total=False):
    """Limits of the code on what a policy or an override may do in this process. Fields that are absent limit nothing."""

    maxOpenDuration: str
    """No policy keeps a circuit open for longer at a time, and no override holds one open for longer; ``1ms`` to ``24h``."""
    minTimeout: str
    """No policy ends a call, or a probe, before this time; ``1ms`` to ``24h``."""
    neverForceOpen: bool
    """Overrides with the action ForceOpen are not applied."""


GuardField = Literal["maxOpenDuration", "minTimeout", "neverForceOpen"]
GUARD_FIELDS: tuple[GuardField, ...] = ("maxOpenDuration", "minTimeout", "neverForceOpen")


@dataclass(frozen=True)
class Limits:
    """A guard that was read."""

    max_open_ms: int | None = None
    min_timeout_ms: int | None = None
    never_force_open: bool = False
    texts: tuple[tuple[GuardField, str], ...] = ()
    """The durations as the code gave them."""


NO_LIMITS = Limits()


def within_guard(config: Config, limits: Limits) -> tuple[Config, list[GuardField]]:
    """The configuration within these limits, and the fields of the guard that changed it."""
    by: list[GuardField] = []
    max_open_ms, min_timeout_ms = limits.max_open_ms, limits.min_timeout_ms
    if max_open_ms is not None and _longest_open_ms(config) > max_open_ms:
        by.append("maxOpenDuration")
        config = replace(config, open_ms=min(config.open_ms, max_open_ms), max_open_ms=max_open_ms)
    if min_timeout_ms is not None:
        within = _with_timeouts_from(config, min_timeout_ms)
        if within != config:
            by.append("minTimeout")
            config = within
    return config, by


def _longest_open_ms(config: Config) -> float:
    if config.backoff_factor > 1 or config.honor_retry_after:
        return config.max_open_ms
    return min(config.max_open_ms, config.open_ms * (1 + config.jitter_percent / 100))


def _with_timeouts_from(config: Config, least_ms: int) -> Config:
    adaptive = config.call.adaptive
    call = config.call
    if adaptive is not None:
        longer = replace(adaptive, min_ms=max(adaptive.min_ms, least_ms), max_ms=max(adaptive.max_ms, least_ms))
        call = replace(call, adaptive=longer)
    return replace(
        config,
        timeout_ms=max(config.timeout_ms, least_ms) if config.timeout_ms != 0 else 0,
        probe_timeout_ms=max(config.probe_timeout_ms, least_ms),
        call=call,
    )
