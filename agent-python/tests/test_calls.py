"""Calls of threads: retries, limits, time limits and fallbacks."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from email.message import Message
from io import BytesIO
from threading import Event, Thread
from types import FrameType
from typing import Any
from urllib.error import HTTPError

import pytest

from fuseboard import (
    CallTimeoutError,
    CircuitOpenError,
    FuseboardWarning,
    LimitedError,
    PolicyFallback,
    QueueTimeoutError,
    time_left,
)
from fuseboard.call import call_layers
from fuseboard.call.layered_call import LayeredCall, begin_call
from fuseboard.call.queued_wait import QueuedWait, queue
from fuseboard.core.layers.limiter import Limiter
from fuseboard.testing import FakeClock, TestBreaker, create_breaker

RETRY: dict[str, Any] = {
    "maxAttempts": 3,
    "backoff": {"initial": "100ms", "jitterPercent": 0},
    "budgetPercent": 100,
}


class Response:
    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.headers = headers or {}
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def two_calls_for_one_slot(breaker: TestBreaker) -> tuple[LayeredCall, LayeredCall]:
    """Two calls that the breaker admits; the first has the only slot, which the second asked for in vain."""
    governed = breaker._current()
    first, second = begin_call(governed, None, None), begin_call(governed, None, None)
    assert first is not None and second is not None
    assert first.acquire_slot()
    assert not second.acquire_slot()
    return first, second


class TestRetries:
    def test_wait_and_try_again(self) -> None:
        clock = FakeClock()
        breaker = create_breaker({"retry": RETRY}, clock)
        tries: list[float] = []

        def work() -> str:
            tries.append(clock.now())
            if len(tries) < 3:
                raise OSError
            return "fine"

        breaker.call(lambda: None)
        assert breaker(work)() == "fine"
        assert tries == [0, 100, 300]
        assert breaker.stats().totals | {"failed": 2, "succeeded": 2, "retried": 2} == breaker.stats().totals

    def test_of_a_failing_response_close_the_one_before(self) -> None:
        breaker = create_breaker({"retry": RETRY}, FakeClock())
        answers = [Response(503, {"Retry-After": "1"}), Response(200)]
        given = iter(answers)
        assert breaker.call(lambda: next(given)) is answers[1]
        assert [answer.closed for answer in answers] == [1, 0]

    @pytest.mark.parametrize("is_async", [False, True])
    def test_of_an_error_with_a_response_close_the_one_before(self, is_async: bool) -> None:
        answers = [Response(503), Response(503)]
        given = iter(answers)

        def work() -> None:
            error = OSError("bad answer")
            error.response = next(given)  # type: ignore[attr-defined]
            raise error

        async def work_async() -> None:
            work()

        with pytest.raises(OSError, match="bad answer"):
            if is_async:
                real = create_breaker({"retry": {**RETRY, "maxAttempts": 2, "backoff": {"initial": "1ms"}}})
                asyncio.run(real.call_async(work_async))
            else:
                create_breaker({"retry": {**RETRY, "maxAttempts": 2}}, FakeClock()).call(work)
        # The last one belongs to the caller.
        assert [answer.closed for answer in answers] == [1, 0]

    def test_of_an_error_that_is_the_response_close_the_one_before(self) -> None:
        bodies = [BytesIO(b"first"), BytesIO(b"last")]
        given = iter(bodies)

        def work() -> None:
            raise HTTPError("http://payments", 503, "unavailable", Message(), next(given))

        with pytest.raises(HTTPError) as raised:
            create_breaker({"retry": {**RETRY, "maxAttempts": 2}}, FakeClock()).call(work)
        assert [body.closed for body in bodies] == [True, False]
        raised.value.close()

    def test_of_an_error_whose_response_cannot_be_read_are_made(self) -> None:
        class Unreadable(Exception):
            @property
            def response(self) -> None:
                raise RuntimeError("do not look")

        def work() -> None:
            raise Unreadable

        breaker = create_breaker({"retry": RETRY}, FakeClock())
        with pytest.raises(Unreadable):
            breaker.call(work)
        assert breaker.stats().totals["retried"] == 2

    @pytest.mark.parametrize("is_async", [False, True])
    def test_that_an_interrupt_of_the_wait_ends_close_the_response(
        self, is_async: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer = Response(503)
        clock = FakeClock()
        breaker = create_breaker({"retry": RETRY}, clock)

        def interrupted(ms: float) -> None:
            raise KeyboardInterrupt

        async def work() -> Response:
            return answer

        async def cancelled() -> None:
            task = asyncio.ensure_future(breaker.call_async(work))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        if is_async:
            asyncio.run(cancelled())
        else:
            monkeypatch.setattr(clock, "sleep", interrupted)
            with pytest.raises(KeyboardInterrupt):
                breaker.call(lambda: answer)
        assert answer.closed == 1

    @pytest.mark.parametrize("is_wrapped", [False, True])
    def test_do_not_follow_a_rejection_by_another_breaker(self, is_wrapped: bool) -> None:
        inner = create_breaker({}, FakeClock(), name="inner")
        inner.force_open("drill", "1h")
        breaker = create_breaker({"retry": RETRY}, FakeClock())
        calls = 0

        def work() -> None:
            nonlocal calls
            calls += 1
            try:
                inner.call(lambda: None)
            except CircuitOpenError as error:
                if is_wrapped:
                    raise RuntimeError("no rates") from error
                raise

        with pytest.raises(RuntimeError if is_wrapped else CircuitOpenError):
            breaker.call(work)
        assert calls == 1
        assert breaker.stats().totals | {"failed": 1, "retried": 0} == breaker.stats().totals

    def test_follow_an_error_of_what_was_done_instead_of_a_rejected_call(self) -> None:
        inner = create_breaker({}, FakeClock(), name="inner")
        inner.force_open("drill", "1h")
        breaker = create_breaker({"retry": RETRY}, FakeClock())

        def work() -> None:
            try:
                inner.call(lambda: None)
            except CircuitOpenError:
                raise OSError("the replica does not answer")  # noqa: B904

        with pytest.raises(OSError, match="the replica does not answer"):
            breaker.call(work)
        assert breaker.stats().totals["retried"] == 2

    def test_do_not_follow_an_interrupt(self) -> None:
        breaker = create_breaker({"retry": RETRY}, FakeClock())
        calls = 0

        def work() -> None:
            nonlocal calls
            calls += 1
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            breaker.call(work)
        assert calls == 1

    def test_inside_the_breaker_are_one_call(self) -> None:
        breaker = create_breaker({"retry": {**RETRY, "placement": "InsideBreaker"}}, FakeClock())
        with pytest.raises(ZeroDivisionError):
            breaker.call(lambda: 1 / 0)
        assert breaker.stats().totals | {"failed": 1, "retried": 2} == breaker.stats().totals


class TestCallsThatMustNotBeRepeated:
    @pytest.mark.parametrize("placement", ["OutsideBreaker", "InsideBreaker"])
    def test_are_made_once(self, placement: str) -> None:
        breaker = create_breaker({"retry": {**RETRY, "placement": placement}}, FakeClock())
        calls: list[str] = []

        def work(key: str) -> None:
            calls.append(key)
            raise OSError

        async def work_async(key: str) -> None:
            work(key)

        with pytest.raises(OSError):
            breaker.call(work, "a", retry=False)
        assert calls == ["a"]
        with pytest.raises(OSError):
            asyncio.run(breaker.call_async(work_async, key="b", retry=False))
        assert calls == ["a", "b"]
        assert breaker.stats().totals | {"failed": 2, "retried": 0} == breaker.stats().totals

    def test_are_said_to_be_so_with_a_bool(self) -> None:
        breaker = create_breaker({"retry": RETRY}, FakeClock())
        wrong: Any = "never"
        with pytest.raises(TypeError, match=r"retry of a call through breaker .* must be a bool, got 'never'"):
            breaker.call(lambda: None, retry=wrong)
        assert breaker.stats().totals["succeeded"] == 0

    def test_fail_at_their_time_limit_while_they_hang(self) -> None:
        clock = FakeClock()
        policy = {"trip": {"consecutiveFailures": 1}, "timeout": {"duration": "50ms"}}
        breaker = create_breaker({**policy, "retry": {**RETRY, "placement": "InsideBreaker"}}, clock)

        def hang() -> None:
            clock.advance(60)
            assert breaker.state == "open"

        breaker.call(hang, retry=False)


class TestLimits:
    POLICY: dict[str, Any] = {"concurrency": {"maxConcurrent": 1, "maxQueue": 1, "queueTimeout": "1s"}}

    def test_threads_wait_in_line_and_are_refused(self) -> None:
        clock = FakeClock()
        breaker = create_breaker(self.POLICY, clock)
        layers = breaker._current().layers
        assert layers is not None
        inside, leave = Event(), Event()

        def hold() -> str:
            inside.set()
            assert leave.wait(10)
            return "first"

        ends: list[Any] = []

        def call(fn: Any) -> None:
            try:
                ends.append(breaker.call(fn))
            except Exception as error:
                ends.append(type(error))

        first = Thread(target=call, args=(hold,), daemon=True)
        first.start()
        assert inside.wait(10)
        second = Thread(target=call, args=(lambda: "second",), daemon=True)
        second.start()
        while layers._limiter is None or layers._limiter.queued == 0:
            second.join(0.001)
        with pytest.raises(LimitedError, match="1 calls under way and 1 wait"):
            breaker.call(lambda: None)
        clock.advance(1_000)
        second.join(10)
        assert ends == [QueueTimeoutError]
        third = Thread(target=call, args=(lambda: "third",), daemon=True)
        third.start()
        while layers._limiter.queued == 0:
            third.join(0.001)
        leave.set()
        first.join(10)
        third.join(10)
        assert sorted(ends[1:]) == ["first", "third"]
        assert breaker.stats().totals | {"ignored": 2, "succeeded": 2} == breaker.stats().totals
        assert layers.running == 0

    @pytest.mark.parametrize("max_queue", [0, 1])
    def test_a_slot_that_is_freed_before_a_call_queues_is_not_waited_for(self, max_queue: int) -> None:
        breaker = create_breaker({"concurrency": {**self.POLICY["concurrency"], "maxQueue": max_queue}}, FakeClock())
        first, second = two_calls_for_one_slot(breaker)
        first.release_slot()
        granted = Event()
        queued = queue(second, None, granted.set)
        assert isinstance(queued, QueuedWait)
        assert granted.is_set()
        assert queued.ended(queued.leave()) is None
        second.release_slot()
        assert breaker.call(lambda: "third") == "third"

    def test_a_slot_that_an_edit_frees_before_a_call_queues_is_not_waited_for(self) -> None:
        breaker = create_breaker(self.POLICY, FakeClock())
        _, second = two_calls_for_one_slot(breaker)
        breaker.apply({"concurrency": {"maxConcurrent": 2, "maxQueue": 1, "queueTimeout": "1s"}})
        granted = Event()
        assert isinstance(queue(second, None, granted.set), QueuedWait)
        assert granted.is_set()

    def test_an_edit_that_removes_the_limit_lets_everybody_in(self) -> None:
        breaker = create_breaker(self.POLICY, FakeClock())
        _, second = two_calls_for_one_slot(breaker)
        granted = Event()
        queued = queue(second, None, granted.set)
        assert isinstance(queued, QueuedWait)
        assert not granted.is_set()
        breaker.apply({"retry": RETRY})
        assert granted.is_set()
        assert queued.ended(queued.leave()) is None
        assert breaker.call(lambda: "third") == "third"

    def test_a_call_that_is_interrupted_anywhere_keeps_no_slot(self) -> None:
        """As by a signal handler that raises: the time limit of a job of Celery or RQ, or Ctrl-C."""
        breaker = create_breaker({"concurrency": {"maxConcurrent": 1, "maxQueue": 0, "queueTimeout": "1s"}})
        layers = breaker._current().layers
        assert layers is not None
        ends: set[type] = set()
        lines = 0
        while float not in ends:
            lines += 1
            left = lines

            def interrupt(frame: FrameType, event: str, arg: object) -> Any:
                nonlocal left
                left -= event == "line" and "fuseboard" in frame.f_code.co_filename
                if left == 0:
                    raise KeyboardInterrupt
                return interrupt

            before = sys.gettrace()
            sys.settrace(interrupt)
            try:
                ends.add(type(breaker.call(lambda: 1.0)))
            except KeyboardInterrupt:
                ends.add(KeyboardInterrupt)
            finally:
                sys.settrace(before)
            assert layers.running == 0, f"after {lines} lines"
        assert lines > 50 and ends == {KeyboardInterrupt, float}

    def test_slots_and_waits_that_are_forgotten_are_free(self) -> None:
        breaker = create_breaker(self.POLICY, FakeClock())
        governed = breaker._current()
        layers = governed.layers
        assert layers is not None and layers._limiter is not None
        first, second, third = [begin_call(governed, None, None) for _ in range(3)]
        assert first is not None and second is not None and third is not None
        assert first.acquire_slot()
        assert isinstance(queue(second, None, lambda: None), QueuedWait)
        # The one who waited is gone and leaves its place in the queue to the next, who is given the slot of a call that
        # is gone.
        del first
        granted = Event()
        queued = queue(third, None, granted.set)
        assert isinstance(queued, QueuedWait)
        assert granted.is_set() and queued.ended(queued.leave()) is None
        assert layers.running == 1 and layers._limiter.queued == 0
        third.release_slot()
        third.release_slot()
        permit = breaker.enter()
        assert permit is not None and layers.running == 1
        del permit
        assert layers.running == 0

    def test_a_limit_is_seen_once_it_can_be_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        breaker = create_breaker({"retry": RETRY}, FakeClock())
        answers: list[str] = []

        def make(max_concurrent: float, max_queue: int) -> Limiter:
            answers.append(breaker.call(lambda: "fine"))
            return Limiter(max_concurrent, max_queue)

        monkeypatch.setattr(call_layers, "Limiter", make)
        breaker.apply(self.POLICY)
        assert answers == ["fine"]

    def test_a_thread_gives_its_place_to_a_task(self) -> None:
        breaker = create_breaker(self.POLICY)
        inside, leave = Event(), Event()

        def hold() -> None:
            inside.set()
            assert leave.wait(10)

        thread = Thread(target=breaker.call, args=(hold,), daemon=True)
        thread.start()
        assert inside.wait(10)

        async def wait() -> str:
            async def work() -> str:
                return "task"

            call = asyncio.ensure_future(breaker.call_async(work))
            await asyncio.sleep(0)
            leave.set()
            return await call

        assert asyncio.run(wait()) == "task"
        thread.join(10)


class TestTimeLimits:
    POLICY: dict[str, Any] = {"timeout": {"duration": "2s"}, "trip": {"consecutiveFailures": 1}}

    def test_a_call_that_took_too_long_failed_and_returns_what_it_returned(self) -> None:
        clock = FakeClock()
        breaker = create_breaker(self.POLICY, clock)

        def slow() -> str:
            clock.advance(1_500)
            assert time_left() == 0.5
            clock.advance(1_500)
            assert time_left() == 0
            return "late"

        assert time_left() is None
        assert breaker(slow)() == "late"
        assert time_left() is None
        assert breaker.state == "open"
        assert breaker.stats().since == 1
        assert breaker.stats().totals | {"timedOut": 1, "failed": 1} == breaker.stats().totals

    def test_a_call_that_hangs_is_settled_when_the_breaker_is_read(self) -> None:
        clock = FakeClock()
        breaker = create_breaker(self.POLICY, clock)
        inside, leave = Event(), Event()

        def hang() -> None:
            inside.set()
            assert leave.wait(10)

        thread = Thread(target=breaker.call, args=(hang,), daemon=True)
        thread.start()
        assert inside.wait(10)
        clock.advance(2_500)
        with pytest.raises(CircuitOpenError):
            breaker.call(lambda: None)
        leave.set()
        thread.join(10)
        assert breaker.stats().totals | {"timedOut": 1, "failed": 1, "succeeded": 0} == breaker.stats().totals

    @pytest.mark.parametrize(("attempts", "state"), [(1, "open"), (2, "closed")])
    def test_a_call_that_hangs_inside_the_breaker_is_settled_by_its_last_attempt(
        self, attempts: int, state: str
    ) -> None:
        clock = FakeClock()
        retry = {**RETRY, "maxAttempts": attempts, "placement": "InsideBreaker"}
        breaker = create_breaker({**self.POLICY, "retry": retry}, clock)
        inside, leave = Event(), Event()

        def hang() -> None:
            inside.set()
            assert leave.wait(10)

        thread = Thread(target=breaker.call, args=(hang,), daemon=True)
        thread.start()
        assert inside.wait(10)
        clock.advance(2_500)
        assert breaker.state == state
        assert breaker.stats().totals["timedOut"] == 1
        leave.set()
        thread.join(10)
        assert breaker.state == "open"
        assert breaker.stats().totals | {"timedOut": 1, "failed": 1, "succeeded": 0} == breaker.stats().totals

    def test_a_call_in_time_is_no_timeout(self) -> None:
        clock = FakeClock()
        breaker = create_breaker(self.POLICY, clock)
        breaker.call(clock.advance, 1_999)
        assert breaker.stats().totals["timedOut"] == 0

    @pytest.mark.parametrize("more", [{}, {"concurrency": {"maxConcurrent": 1}}])
    @pytest.mark.parametrize("is_decorated", [False, True])
    def test_a_response_that_comes_too_late_is_closed(self, more: dict[str, Any], is_decorated: bool) -> None:
        clock = FakeClock()
        breaker = create_breaker({**self.POLICY, **more}, clock)
        answer = Response(200)

        async def work() -> Response:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3_600)
            return answer

        async def late() -> None:
            call = asyncio.ensure_future(breaker(work)() if is_decorated else breaker.call_async(work))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            clock.advance(2_000)
            with pytest.raises(CallTimeoutError):
                await call

        asyncio.run(late())
        assert answer.closed == 1

    def test_a_limit_of_the_loop_is_real(self) -> None:
        breaker = create_breaker({"timeout": {"duration": "10ms"}})
        with pytest.raises(CallTimeoutError):
            asyncio.run(breaker.call_async(asyncio.sleep, 3_600))
        assert asyncio.run(breaker.call_async(asyncio.sleep, 0, "fine")) == "fine"


class TestFallbacks:
    STATIC: dict[str, Any] = {"fallback": {"type": "Static", "static": {"value": {"rate": 1.5}}}}
    OPEN: dict[str, Any] = {"trip": {"consecutiveFailures": 1}}

    def test_in_code_answer_errors_rejections_and_failing_results(self) -> None:
        breaker = create_breaker({"trip": {"consecutiveFailures": 2}})
        answer = Response(503)
        seen: list[Any] = []

        def fallback(failure: Any) -> str:
            seen.append(failure)
            return "instead"

        assert breaker.call(lambda: answer, fallback=fallback) == "instead"
        assert breaker.call(lambda: 1 / 0, fallback=fallback) == "instead"
        assert breaker.call(lambda: 1, fallback=fallback) == "instead"
        assert [type(each) for each in seen] == [Response, ZeroDivisionError, CircuitOpenError]
        assert answer.closed == 1
        assert breaker.stats().totals["fallback"] == 3

    def test_that_raises_closes_the_response_and_that_returns_it_does_not(self) -> None:
        breaker = create_breaker({"trip": {"consecutiveFailures": 9}})
        sync, other, kept = Response(503), Response(503), Response(503)

        async def asynchronous() -> Response:
            return other

        with pytest.raises(KeyError):
            breaker.call(lambda: sync, fallback=lambda response: {}[response])
        with pytest.raises(KeyError):
            asyncio.run(breaker.call_async(asynchronous, fallback=lambda response: {}[response]))
        assert breaker.call(lambda: kept, fallback=lambda response: response) is kept
        assert [answer.closed for answer in (sync, other, kept)] == [1, 1, 0]

    def test_of_the_policy_answer_only_where_the_code_opted_in(self) -> None:
        breaker = create_breaker({**self.STATIC, **self.OPEN})
        permission = PolicyFallback("EUR", lambda value: value["rate"])
        with pytest.raises(ZeroDivisionError):
            breaker.call(lambda: 1 / 0)
        assert breaker.call(lambda: 1.1, policy_fallback=permission) == 1.5
        assert asyncio.run(breaker.call_async(asyncio.sleep, 0, policy_fallback=permission)) == 1.5

    def test_with_the_last_success_never_answer_another_key_or_with_a_response(self) -> None:
        clock = FakeClock()
        breaker = create_breaker({**self.OPEN, "fallback": {"type": "LastSuccess", "maxAge": "1m"}}, clock)
        euro, dollar = PolicyFallback("EUR"), PolicyFallback("USD")
        assert breaker.call(lambda: 1.1, policy_fallback=euro) == 1.1
        breaker.call(lambda: Response(200), policy_fallback=dollar)
        breaker.force_open("drill", "1h")
        assert breaker.call(lambda: 2, policy_fallback=euro) == 1.1
        with pytest.raises(CircuitOpenError):
            breaker.call(lambda: 2, policy_fallback=dollar)
        clock.advance(60_001)
        with pytest.raises(CircuitOpenError):
            breaker.call(lambda: 2, policy_fallback=euro)

    def test_that_cannot_be_parsed_are_none(self) -> None:
        breaker = create_breaker({**self.STATIC, **self.OPEN})
        permission = PolicyFallback("EUR", lambda value: value["missing"])
        with pytest.warns(FuseboardWarning, match="cannot be used: KeyError"), pytest.raises(ZeroDivisionError):
            breaker.call(lambda: 1 / 0, policy_fallback=permission)

    def test_may_be_awaited(self) -> None:
        breaker = create_breaker({})

        async def fails() -> None:
            raise OSError

        async def fallback(_: object) -> str:
            return "instead"

        assert asyncio.run(breaker.call_async(fails, fallback=fallback)) == "instead"
