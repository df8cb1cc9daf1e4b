"""Metrics, spans and logs, each with the real library."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

import fuseboard
from fuseboard.contrib.logging import log_transitions, warn_into
from fuseboard.contrib.opentelemetry import mark_spans, observe_into
from fuseboard.contrib.prometheus_client import BreakerCollector


@pytest.fixture
def breaker() -> fuseboard.Breaker:
    made = fuseboard.get_breaker("payments", {"trip": {"consecutiveFailures": 2}})
    made.call(lambda: None)
    return made


def fail(breaker: fuseboard.Breaker, times: int = 2) -> None:
    for _ in range(times):
        permit = breaker.enter()
        assert permit is not None
        permit.fail(ConnectionError())


def test_prometheus_reads_states_counts_and_durations(breaker: fuseboard.Breaker) -> None:
    fail(breaker)
    assert breaker.enter() is None
    registry = CollectorRegistry()
    registry.register(BreakerCollector())
    lines = generate_latest(registry).decode().splitlines()
    for line in (
        'fuseboard_breaker_state{breaker="payments",state="open"} 1.0',
        'fuseboard_breaker_state{breaker="payments",state="closed"} 0.0',
        'fuseboard_calls_total{breaker="payments",outcome="failed"} 2.0',
        'fuseboard_rejected_total{breaker="payments"} 1.0',
        'fuseboard_call_duration_seconds_bucket{breaker="payments",le="+Inf"} 3.0',
        'fuseboard_call_duration_seconds_count{breaker="payments"} 3.0',
        'fuseboard_link_state{state="Defaults"} 1.0',
        "# TYPE fuseboard_calls_total counter",
        "# TYPE fuseboard_call_duration_seconds histogram",
    ):
        assert line in lines
    assert generate_openmetrics(registry).endswith(b"# EOF\n")  # type: ignore[no-untyped-call]


def test_opentelemetry_reads_the_same(breaker: fuseboard.Breaker) -> None:
    fail(breaker)
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    observe_into(provider.get_meter("test"))
    data: Any = reader.get_metrics_data()
    found = {
        (metric.name, *sorted(point.attributes.items())): point.value
        for scope in data.resource_metrics[0].scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    }
    payments = ("breaker", "payments")
    assert found["fuseboard.breaker.state", payments, ("state", "open")] == 1
    assert found["fuseboard.calls", payments, ("outcome", "failed")] == 2
    assert found["fuseboard.call.duration.count", payments, ("le", "+Inf")] == 3
    assert found["fuseboard.link.state", ("state", "Defaults")] == 1
    provider.shutdown()


def test_opentelemetry_marks_the_span_whose_call_changed_a_state(breaker: fuseboard.Breaker) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    end = mark_spans()
    with provider.get_tracer("test").start_as_current_span("request"):
        fail(breaker)
    end()
    (span,) = exporter.get_finished_spans()
    (event,) = span.events
    assert event.name == "fuseboard.transition"
    assert dict(event.attributes or {}) == {
        "breaker": "payments",
        "from": "closed",
        "to": "open",
        "reason": "consecutive-failures",
    }


def test_logging_has_a_line_for_each_change(breaker: fuseboard.Breaker, caplog: pytest.LogCaptureFixture) -> None:
    end = log_transitions(logging.getLogger("breakers"))
    with caplog.at_level(logging.INFO):
        fail(breaker)
        breaker.reset()
        warn_into(logging.getLogger("breakers"))("100 % of it")
        end()
        fail(breaker)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", 'breaker "payments" went from closed to open: consecutive-failures'),
        ("INFO", 'breaker "payments" went from open to closed: manual-reset'),
        ("WARNING", "100 % of it"),
    ]
    assert caplog.records[0].__dict__["breaker"] == "payments"


def test_structlog_has_the_fields(breaker: fuseboard.Breaker, capsys: pytest.CaptureFixture[str]) -> None:
    logger = structlog.wrap_logger(structlog.PrintLogger(), processors=[structlog.processors.JSONRenderer()])
    end = log_transitions(logger)
    fail(breaker)
    end()
    warn_into(logger)("down")
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["breaker"], first["from_state"], first["to_state"]) == ("payments", "closed", "open")
    assert second == {"component": "fuseboard", "event": "down"}
