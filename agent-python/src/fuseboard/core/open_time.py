"""How long a circuit stays open."""

from __future__ import annotations

from .config.config import Config
from .state import Open


def open_time_ms(config: Config, state: Open, reopenings: int) -> float:
    """The open time of the policy, grown by each opening before it in a row and by jitter.

    At least as long as Retry-After asked for, and never longer than the policy's longest. ``reopenings`` is how many times
    in a row it had opened before.
    """
    jitter = state.jitter or 0
    own = config.open_ms * float(config.backoff_factor) ** reopenings * (1 + (config.jitter_percent / 100) * jitter)
    return min(config.max_open_ms, max(own, state.retry_after_ms) if config.honor_retry_after else own)
