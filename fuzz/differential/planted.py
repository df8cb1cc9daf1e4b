"""Differences planted in the Python core, to see that the comparison finds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fuseboard.call import layered_call
from fuseboard.core import circuit, trip
from fuseboard.core.layers.adaptive_limit import AdaptiveLimit
from fuseboard.core.layers.adaptive_timeout import AdaptiveTimeout
from fuseboard.core.circuit import Circuit
from fuseboard.core.windows.in_flight import InFlight
from fuseboard.core.layers.retry import RetryBudget
from fuseboard.core.windows import CountWindow, EwmaWindow, TimeWindow


def _late_open(original: Any) -> Any:
    def set_open_until(self: Any, state: Any) -> None:
        original(self, state)
        state.until += 1

    return set_open_until


def _lost_jitter(original: Any) -> Any:
    return lambda self: None


def _never_starts_over(original: Any) -> Any:
    def open_circuit(self: Any, now: float, reason: Any, what: object) -> None:
        history = self._history
        self._history = circuit.replace(history, last_open_ms=float("inf"))
        original(self, now, reason, what)

    return open_circuit


def _strict_rate(original: Any) -> Any:
    def reaches(measured: float, threshold: int, total: float | None) -> bool:
        return original(measured, threshold, None) if total is None else measured * 100 > threshold * total

    return reaches


def _forgets_nothing(original: Any) -> Any:
    return lambda self, until: None


def _keeps_oldest(original: Any) -> Any:
    def resize(self: Any, size: int) -> None:
        if size != self._size:
            kept = list(self._bits[: int(min(self.calls, size))])
            self._size = size
            self.clear()
            for bits in kept:
                self.record(0, bits & 1 != 0, bits & 2 != 0)

    return resize


def _starts_empty(original: Any) -> Any:
    def resize(self: Any, ms: float, now: float) -> None:
        if ms / 10 != self._span:
            self.__init__(ms, now)

    return resize


def _fades_smoothly(original: Any) -> Any:
    def advance(self: Any, now: float) -> None:
        before = self._current
        original(self, now)
        if self._current > before:
            self.calls *= 0.99

    return advance


def _no_free_retry(original: Any) -> Any:
    return lambda self, now, per_second: self._saved >= 100 and original(self, now, per_second)


def _capless(original: Any) -> Any:
    return lambda config, number, random, asked: (original(config, number, random, asked) or 0) + 1


def _low_percentile(original: Any) -> Any:
    return lambda self, config, initial_ms: original(self, config, initial_ms) * 0.9


def _never_falls(original: Any) -> Any:
    return lambda self, mean_ms: original(self, 0.0)


def _one_more_probe(original: Any) -> Any:
    return lambda state, config: len(state.probes) < config.max_probes + 1


PLANTED: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "an open time of a millisecond more": (Circuit, "_set_open_until", _late_open),
    "no jitter": (Circuit, "_draw_jitter", _lost_jitter),
    "a backoff that never starts over": (Circuit, "_open", _never_starts_over),
    "a probe too many": (circuit, "can_probe", _one_more_probe),
    "a rate above its threshold": (trip, "_reaches", _strict_rate),
    "hanging calls after a stall": (InFlight, "forget", _forgets_nothing),
    "a count window that keeps its oldest calls": (CountWindow, "resize", _keeps_oldest),
    "a time window that an edit empties": (TimeWindow, "resize", _starts_empty),
    "an average that fades more": (EwmaWindow, "advance", _fades_smoothly),
    "no free retry": (RetryBudget, "spend", _no_free_retry),
    "a longer backoff": (layered_call, "backoff_ms", _capless),
    "a limit of calls that never falls": (AdaptiveLimit, "_end_round", _never_falls),
    "a shorter adaptive time limit": (AdaptiveTimeout, "limit_ms", _low_percentile),
}
"""Each with whose name it replaces, and how."""


@contextmanager
def plant(name: str) -> Iterator[None]:
    owner, attribute, change = PLANTED[name]
    original = getattr(owner, attribute)
    setattr(owner, attribute, change(original))
    try:
        yield
    finally:
        setattr(owner, attribute, original)
