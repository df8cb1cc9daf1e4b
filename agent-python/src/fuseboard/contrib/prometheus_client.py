"""For prometheus_client: ``REGISTRY.register(BreakerCollector())``."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from .. import link_state
from .series import LINK_STATE_HELP, LINK_STATES, SERIES, breakers, duration_buckets


class BreakerCollector(Collector):
    """The metrics of all breakers of this process: states, calls by outcome, rejections and durations, and what they run on.

    They are read at each scrape and cost nothing between scrapes; names and labels are those of the Node agent. ``prefix``: what
    every metric name begins with. With several processes behind one port, each has its own breakers: scrape the processes, or
    take the operator's metrics.
    """

    def __init__(self, prefix: str = "fuseboard_") -> None:
        self._prefix = prefix

    def collect(self) -> Iterator[Metric]:
        current_breakers = list(breakers())
        for series in SERIES:
            family = GaugeMetricFamily if series.kind == "gauge" else CounterMetricFamily
            name = self._prefix + "_".join(series.name)
            metric = family(name, series.help)
            suffix = "_total" if series.kind == "counter" else ""
            for breaker in current_breakers:
                for labels, value in series.points(breaker):
                    metric.add_sample(name + suffix, {"breaker": breaker.name, **labels}, value)
            yield metric
        yield self._durations([(breaker.name, duration_buckets(breaker)) for breaker in current_breakers])
        link = GaugeMetricFamily(f"{self._prefix}link_state", LINK_STATE_HELP)
        current = link_state()
        for state in LINK_STATES:
            link.add_sample(f"{self._prefix}link_state", {"state": state}, float(state == current))
        yield link

    def _durations(self, buckets: list[tuple[str, list[tuple[str, int]]]]) -> Metric:
        name = f"{self._prefix}call_duration_seconds"
        metric = Metric(name, "How long calls took. There is no sum.", "histogram")
        for breaker, counts in buckets:
            for bound, count in counts:
                metric.add_sample(f"{name}_bucket", {"breaker": breaker, "le": bound}, count)
            metric.add_sample(f"{name}_count", {"breaker": breaker}, counts[-1][1])
        return metric
