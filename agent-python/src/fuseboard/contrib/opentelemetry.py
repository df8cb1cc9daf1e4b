"""For OpenTelemetry: metrics into a meter, and events on the spans of calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions, Meter, Observation

from .. import link_state
from ..breakers.governed_breaker import GovernedBreaker
from ..core.state import TransitionEvent
from ..process import registry
from .series import LINK_STATE_HELP, LINK_STATES, SERIES, Point, breakers, duration_buckets


def observe_into(meter: Meter) -> None:
    """Register the metrics of all breakers of this process with a meter, ``metrics.get_meter("checkout")``.

    The numbers are those of the Prometheus adapter as observable instruments: ``fuseboard.calls`` with the attributes
    ``breaker`` and ``outcome`` and so on. ``fuseboard.call.duration.count`` counts, for each ``le``, the calls that took at most
    that many seconds. They are read at each collection and cost nothing between.
    """
    for series in SERIES:
        create = meter.create_observable_gauge if series.kind == "gauge" else meter.create_observable_counter
        create(".".join(("fuseboard", *series.name)), [_reader(series.points)], description=series.help)
    meter.create_observable_counter(
        "fuseboard.call.duration.count",
        [_reader(lambda breaker: [({"le": bound}, count) for bound, count in duration_buckets(breaker)])],
        description="Calls that took at most the number of seconds in the attribute le.",
    )
    meter.create_observable_gauge(
        "fuseboard.link.state",
        [_read_link],
        description=LINK_STATE_HELP,
    )


def mark_spans() -> Callable[[], None]:
    """Add an event ``fuseboard.transition`` to the current span wherever a call changes the state of a breaker.

    A change that nobody's call caused has no span and leaves no event. Returns a function that ends it.
    """

    def mark(breaker: GovernedBreaker, event: TransitionEvent) -> None:
        attributes = {"breaker": breaker.name, "from": event.from_state, "to": event.to_state, "reason": event.reason}
        trace.get_current_span().add_event("fuseboard.transition", attributes)

    return registry().on_transition(mark)


def _reader(points: Callable[[GovernedBreaker], list[Point]]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def read(options: CallbackOptions) -> Iterable[Observation]:
        for breaker in breakers():
            for labels, value in points(breaker):
                yield Observation(value, {"breaker": breaker.name, **labels})

    return read


def _read_link(options: CallbackOptions) -> Iterable[Observation]:
    current = link_state()
    return [Observation(int(state == current), {"state": state}) for state in LINK_STATES]
