"""The calls that the conditions of a policy look at."""

from __future__ import annotations

from ..config.config import Config
from .count_window import CountWindow
from .ewma_window import EwmaWindow
from .time_window import TimeWindow

Window = TimeWindow | CountWindow | EwmaWindow

__all__ = ["CountWindow", "EwmaWindow", "TimeWindow", "Window", "window_for"]


def window_for(config: Config, before: Window | None, now: float) -> Window:
    """The window for a configuration.

    A window of the same type is resized and keeps its newest samples; another type starts empty.
    """
    if config.window_type == "Count":
        if not isinstance(before, CountWindow):
            return CountWindow(config.window_size)
        before.resize(config.window_size)
        return before
    if config.window_type == "Time":
        if not isinstance(before, TimeWindow):
            return TimeWindow(config.window_ms, now)
        before.resize(config.window_ms, now)
        return before
    if not isinstance(before, EwmaWindow):
        return EwmaWindow(config.window_ms, now)
    before.resize(config.window_ms, now)
    return before
