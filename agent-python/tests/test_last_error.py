"""What listeners and readers are told of the last failure."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from fuseboard import CallTimeoutError, LastError, TransitionEvent
from fuseboard.core.outcomes.last_error import described
from fuseboard.testing import FakeClock, create_breaker


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


class Unreadable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("do not look")


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (IndexError("too far"), ("IndexError", "too far")),
        (caused(ConnectionError("fetch failed"), OSError("refused")), ("ConnectionError", "fetch failed: refused")),
        (caused(ConnectionError("down"), OSError("down")), ("ConnectionError", "down")),
        (caused(ValueError(), OSError("refused")), ("ValueError", "refused")),
        (KeyError(), ("KeyError", "")),
        (SimpleNamespace(status_code=503), ("Response", "HTTP 503")),
        (SimpleNamespace(status=502), ("Response", "HTTP 502")),
        (SimpleNamespace(), ("Response", "HTTP without a status")),
        (Unreadable(), ("unknown", "an error that cannot be read")),
        (ValueError("x" * 1_000), ("ValueError", f"{'x' * 200}…")),
        (ValueError("😀" * 150), ("ValueError", f"{'😀' * 100}…")),
        (ValueError(f"x{'😀' * 150}"), ("ValueError", f"x{'😀' * 99}…")),
        (type("N" * 100, (Exception,), {})(), (f"{'N' * 64}…", "")),
        (None, None),
    ],
)
def test_is_described_by_class_and_text(what: object, expected: object) -> None:
    assert described(what) == expected


def opened() -> tuple[FakeClock, Any, list[TransitionEvent]]:
    clock = FakeClock()
    breaker = create_breaker({"trip": {"consecutiveFailures": 2}, "recovery": {"openDuration": "1s"}}, clock)
    events: list[TransitionEvent] = []
    breaker.on("transition", events.append)
    for text in ("first", "second"):
        permit = breaker.enter()
        assert permit is not None
        permit.fail(ValueError(text))
    return clock, breaker, events


def test_is_in_the_event_of_an_opening_and_in_the_stats_until_the_circuit_closes() -> None:
    clock, breaker, events = opened()
    second = LastError("ValueError", "second")
    assert [event.last_error for event in events] == [second]
    assert breaker.stats().last_error == second
    clock.advance(1_000)
    assert breaker.state == "half-open"
    breaker.enter().succeed()
    assert breaker.state == "closed"
    assert breaker.stats().last_error is None
    assert [event.last_error for event in events] == [second, None, None]


def test_is_not_in_an_opening_that_no_failure_made() -> None:
    clock, breaker, events = opened()
    breaker.force_open("drill", 60)
    clock.advance(60_000)
    assert breaker.state == "half-open"
    breaker.enter()
    breaker.force_open("drill", 60)
    assert events[-1].to_state == "open"
    assert events[-1].last_error is None


def test_of_a_failure_that_says_nothing_is_not_known() -> None:
    _, breaker, _ = opened()
    breaker.reset()
    breaker.enter().fail()
    assert breaker.stats().last_error is None


LIMITED = {"trip": {"consecutiveFailures": 2}, "timeout": {"duration": "1s"}}


def test_of_a_call_in_time_out_is_the_error_of_the_limit() -> None:
    clock = FakeClock()
    breaker = create_breaker(LIMITED, clock)
    breaker.call(lambda: clock.advance(1_500))
    last = breaker.stats().last_error
    assert last is not None
    assert last.name == "CallTimeoutError"


RETRIES = [
    {},
    {"retry": {"maxAttempts": 2, "backoff": {"initial": "1ms"}}},
    {"retry": {"maxAttempts": 2, "backoff": {"initial": "1ms"}, "placement": "InsideBreaker"}},
]


@pytest.mark.parametrize("more", RETRIES)
def test_of_an_asynchronous_call_in_time_out_is_the_error_of_the_limit(more: dict[str, object]) -> None:
    breaker = create_breaker({**LIMITED, "timeout": {"duration": "10ms"}, **more})
    with pytest.raises(CallTimeoutError):
        asyncio.run(breaker.call_async(asyncio.sleep, 60))
    last = breaker.stats().last_error
    assert last is not None
    assert last.name == "CallTimeoutError"


@pytest.mark.parametrize("is_raised", [False, True])
@pytest.mark.parametrize("more", RETRIES)
def test_of_a_synchronous_call_in_time_out_is_the_error_of_the_limit(more: dict[str, object], is_raised: bool) -> None:
    clock = FakeClock()
    breaker = create_breaker({**LIMITED, "trip": {"consecutiveFailures": 1}, **more}, clock)
    events: list[TransitionEvent] = []
    breaker.on("transition", events.append)

    def late() -> None:
        clock.advance(1_500)
        if is_raised:
            raise OSError("read timed out")

    if is_raised:
        with pytest.raises(OSError, match="read timed out"):
            breaker.call(late)
    else:
        breaker.call(late)
    last = breaker.stats().last_error
    assert last is not None
    assert last.name == "CallTimeoutError"
    assert [event.last_error for event in events] == [last]
