"""What a half-open circuit admits, and how its calls decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from .config.config import Config
from .state import Probing, Ramping, Reason
from .trip import tripped_by_rate


class Decision(NamedTuple):
    """How a half-open circuit ends."""

    to: Literal["open", "closed"]
    reason: Reason


def begin_half_open(config: Config, since: float) -> Probing | Ramping:
    """The half-open state that a configuration asks for, before its first call."""
    return Ramping(since) if config.strategy == "Ramp" else Probing(since)


def can_probe(state: Probing, config: Config) -> bool:
    """Whether one more probe may begin."""
    ended = state.calls if config.evaluate == "FailureRate" else 0
    return len(state.probes) + ended < config.max_probes


def ramp_admits(state: Ramping, config: Config, now: float, random: Callable[[], float]) -> bool:
    """The share that passes is 2^(t / rampDuration) - 1, which grows from 0 to 1, slowly first, as in aiomisc.

    The first call starts the ramp and always passes."""
    if state.started_at is None:
        state.started_at = now
        return True
    part = (now - state.started_at) / config.ramp_ms
    return part >= 1 or random() < 2**part - 1


def is_ramp_over(state: Ramping, config: Config, now: float) -> bool:
    """Whether a ramp closes the circuit; it takes a success."""
    started_at = now if state.started_at is None else state.started_at
    return now - started_at >= config.ramp_ms and state.succeeded


def record_probe(
    state: Probing, config: Config, failed: bool, slow: bool, reason: Reason, overdue: Callable[[], int]
) -> Decision | None:
    """Count a probe that ended, and return what the probes decide; ``None``: nothing yet.

    ``reason`` is why the circuit opens if this probe alone opens it. ``overdue`` reads how many probes under way are slow
    already.
    """
    state.calls += 1
    state.failures += failed
    state.slow += slow
    if not failed and not slow:
        state.successes += 1
    if config.evaluate == "FailureRate":
        return evaluate_probes(state, config, overdue)
    if failed or slow:
        return Decision("open", reason)
    return Decision("closed", "probe-succeeded") if state.successes >= config.success_threshold else None


def evaluate_probes(state: Probing, config: Config, overdue: Callable[[], int]) -> Decision | None:
    """Decide by the rates of all probes together; ``None``: too few have ended."""
    enough = min(config.minimum_calls, config.max_probes)
    if state.calls < enough:
        return None
    reason = tripped_by_rate(config, state, overdue(), enough)
    return Decision("closed", "probe-succeeded") if reason is None else Decision("open", reason)
