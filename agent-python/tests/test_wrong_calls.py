"""Arguments that cannot be meant: refused at once, by an error that says what to write."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import fuseboard
from fuseboard import FuseboardWarning, PolicyFallback
from fuseboard.testing import FakeClock, TestBreaker, create_breaker


def fine() -> str:
    return "fine"


async def fine_async(*_: object) -> str:
    return "fine"


def fine_property(owner: object) -> str:
    return "fine"


def fails() -> str:
    raise OSError


Use = Callable[[Any], Any]
WRONG: dict[str, tuple[Use, str]] = {
    "a result": (lambda breaker: breaker.call(fine()), "call of breaker \"test\" was given 'fine'; give a function"),
    "nothing": (lambda breaker: breaker.call(None), "was given None; give a function, and its arguments after it"),
    "a coroutine": (
        lambda breaker: asyncio.run(breaker.call_async(fine_async())),
        "call_async .* was given something to await; give a function",
    ),
    "a coroutine for call": (lambda breaker: breaker.call(fine_async()), "was given something to await"),
    "an answer for a fallback": (
        lambda breaker: breaker.call(fine, fallback="queued"),
        "fallback of a call .* must be a function, got 'queued'; write fallback=lambda error: …",
    ),
    "the same, async": (
        lambda breaker: asyncio.run(breaker.call_async(fine_async, fallback="queued")),
        "fallback of a call .* must be a function",
    ),
    "an async fallback of a call that is not": (
        lambda breaker: breaker.call(fine, fallback=fine_async),
        "fallback of a call .* is async; use call_async",
    ),
    "a policy fallback that is none": (
        lambda breaker: breaker.call(fine, policy_fallback=True),
        "policy_fallback of a call .* must be a PolicyFallback, got True",
    ),
    "the class of policy fallbacks": (
        lambda breaker: breaker.call(fine, policy_fallback=PolicyFallback),
        "policy_fallback of a call .* must be a PolicyFallback, got <class",
    ),
    "a number of retries": (lambda breaker: breaker.call(fine, retry=3), "retry of a call .* must be a bool, got 3"),
    "no listener": (lambda breaker: breaker.on("transition", None), 'on of breaker "test" needs a listener'),
    "nothing to decorate": (lambda breaker: breaker(None), 'breaker "test" decorates functions; it was given None'),
    "a property to decorate": (lambda breaker: breaker(property(fine_property)), "decorates functions, the function of the property"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_meant_is_a_type_error_and_counts_nothing(wrong: str) -> None:
    use, message = WRONG[wrong]
    breaker = create_breaker({"trip": {"consecutiveFailures": 1}})
    with pytest.raises(TypeError, match=message):
        use(breaker)
    assert not any(breaker.stats().totals.values())
    assert breaker.state == "closed"


@pytest.mark.parametrize("is_open", [False, True])
def test_a_fallback_that_turns_out_to_be_async_is_refused(is_open: bool) -> None:
    breaker = create_breaker({"trip": {"consecutiveFailures": 5}})
    if is_open:
        breaker.force_open("drill", "1h")
    with pytest.raises(TypeError, match=r"fallback of a call .* is async"):
        breaker.call(fails, fallback=lambda error: fine_async())


def test_a_fallback_of_a_failing_response_that_turns_out_to_be_async_is_refused() -> None:
    class Response:
        status_code = 503
        headers: dict[str, str] = {}
        closed = False

        def close(self) -> None:
            self.closed = True

    response = Response()
    with pytest.raises(TypeError, match=r"fallback of a call .* is async"):
        create_breaker({}).call(lambda: response, fallback=lambda error: fine_async())
    assert response.closed


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"key": 5}, "key of a PolicyFallback must be a string, got 5"),
        ({"key": "EUR", "parse": "float"}, "parse of a PolicyFallback must be a function, got 'float'"),
    ],
)
def test_a_policy_fallback_is_checked_where_it_is_made(values: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        PolicyFallback(**values)


@pytest.mark.parametrize("labels", ["team=shop", {"team": 1}, ["team"]])
def test_labels_that_are_no_texts_are_refused(labels: Any) -> None:
    with pytest.raises(TypeError, match=r'labels must be a dict of strings, such as \{"team": "shop"\}, got'):
        fuseboard.start(labels=labels)


def test_a_warning_names_the_line_of_the_code_that_led_to_it(fresh_breakers: None) -> None:
    fuseboard.get_breaker("payments", {"trip": {"consecutiveFailures": 1}})
    with pytest.warns(FuseboardWarning, match="other defaults") as warned:
        fuseboard.get_breaker("payments", {"trip": {"consecutiveFailures": 2}})
    assert warned[0].filename == __file__


def nested(breaker: TestBreaker) -> object:
    return breaker.call(lambda: breaker.call(fine))


def test_a_warning_during_a_call_names_the_function_that_was_called() -> None:
    clock = FakeClock()
    breaker = create_breaker({"trip": {"consecutiveFailures": 1}, "recovery": {"openDuration": "30s"}}, clock)
    with pytest.raises(OSError):
        breaker.call(fails)
    clock.advance("30s")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        nested(breaker)
    assert [each.filename for each in warned] == [__file__]


def test_a_clock_takes_durations_too() -> None:
    clock = FakeClock()
    clock.advance("1m30s")
    assert clock.now() == 90_000
    with pytest.raises(ValueError, match=r'advance takes milliseconds, or a duration such as 30s .* it got "soon"'):
        clock.advance("soon")
