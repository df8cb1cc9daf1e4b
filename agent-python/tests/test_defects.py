"""What breakers of other libraries do wrong, each as a test here."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from threading import Event, Thread
from typing import Any

import pytest

from fuseboard import CallTimeoutError, CircuitOpenError, FuseboardWarning, get_breaker
from fuseboard.call.timed_call import COUNTS_CANCELLATIONS
from fuseboard.process import registry
from fuseboard.testing import FakeClock, TestBreaker, create_breaker

ONE_FAILURE: dict[str, Any] = {"trip": {"consecutiveFailures": 1}, "recovery": {"openDuration": "1s"}}


def half_open() -> tuple[FakeClock, TestBreaker]:
    clock = FakeClock()
    breaker = create_breaker(ONE_FAILURE, clock)
    permit = breaker.enter()
    assert permit is not None
    permit.fail()
    clock.advance(1_000)
    assert breaker.state == "half-open"
    return clock, breaker


class TestFlood:
    def test_one_probe_at_a_time_among_tasks(self) -> None:
        _, breaker = half_open()
        calls = 0

        @breaker
        async def work() -> None:
            nonlocal calls
            calls += 1
            await asyncio.sleep(0)

        async def many() -> list[BaseException | None]:
            return await asyncio.gather(*(work() for _ in range(50)), return_exceptions=True)

        ends = asyncio.run(many())
        assert calls == 1
        assert sum(isinstance(end, CircuitOpenError) for end in ends) == 49


class TestTwiceAroundACall:
    """A function and the client inside of it often go through one breaker."""

    def test_a_probe_closes_the_circuit(self) -> None:
        _, breaker = half_open()

        @breaker
        def inner() -> str:
            return "fine"

        with pytest.warns(FuseboardWarning, match='breaker "test" is used twice around one call') as warned:
            assert breaker.call(lambda: (inner(), breaker.call(inner))) == ("fine", "fine")
        assert len(warned) == 1
        assert breaker.state == "closed"

    def test_a_probe_of_a_task_does_too(self) -> None:
        _, breaker = half_open()

        @breaker
        async def inner() -> str:
            await asyncio.sleep(0)
            return "fine"

        @breaker
        async def outer() -> str:
            await asyncio.sleep(0)
            return await breaker.call_async(inner)

        with pytest.warns(FuseboardWarning, match="Use it once"):
            assert asyncio.run(outer()) == "fine"
        assert breaker.state == "closed"

    @pytest.mark.parametrize("is_async", [False, True])
    def test_a_retry_that_is_the_probe_does_too(self, is_async: bool) -> None:
        clock = FakeClock()
        retry = {"maxAttempts": 2, "backoff": {"initial": "1s", "jitterPercent": 0}, "budgetPercent": 100}
        breaker = create_breaker({**ONE_FAILURE, "trip": {"consecutiveFailures": 2}, "retry": retry}, clock)
        attempts = 0

        def fail_while_the_retry_waits() -> None:
            permit = breaker.enter()
            assert permit is not None
            permit.fail()
            assert breaker.state == "open"

        async def inner() -> str:
            return "fine"

        async def outer() -> str:
            nonlocal attempts
            attempts += 1
            if attempts == 1:
                raise OSError
            return await breaker.call_async(inner)

        async def tested() -> str:
            call = asyncio.ensure_future(breaker.call_async(outer))
            await asyncio.sleep(0)
            fail_while_the_retry_waits()
            clock.advance(1_000)
            return await call

        def outer_sync() -> str:
            nonlocal attempts
            attempts += 1
            if attempts == 1:
                raise OSError
            return breaker.call(lambda: "fine")

        def tested_sync() -> str:
            sleep = clock.sleep
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(clock, "sleep", lambda ms: (fail_while_the_retry_waits(), sleep(ms)))
                return breaker.call(outer_sync)

        with pytest.warns(FuseboardWarning, match="Use it once"):
            assert (asyncio.run(tested()) if is_async else tested_sync()) == "fine"
        assert attempts == 2
        assert breaker.state == "closed"

    def test_others_are_rejected_meanwhile(self) -> None:
        _, breaker = half_open()
        rejected: list[bool] = []

        def other() -> None:
            try:
                breaker.call(lambda: None)
            except CircuitOpenError:
                rejected.append(True)

        def probe() -> None:
            thread = Thread(target=other)
            thread.start()
            thread.join(10)

        breaker.call(probe)
        assert rejected == [True]


class TestLateOutcomes:
    def test_a_late_success_does_not_close(self) -> None:
        clock = FakeClock()
        breaker = create_breaker(ONE_FAILURE, clock)
        late, failing = breaker.enter(), breaker.enter()
        assert late is not None
        assert failing is not None
        failing.fail()
        clock.advance(1_000)
        late.succeed()
        assert breaker.state == "half-open"

    def test_a_late_failure_does_not_open(self) -> None:
        _, breaker = half_open()
        breaker.reset()
        late = breaker.enter()
        assert late is not None
        breaker.reset()
        late.fail()
        assert breaker.state == "closed"
        assert breaker.stats().totals["failed"] == 2


class TestCancellation:
    @pytest.mark.parametrize("policy", [ONE_FAILURE, {**ONE_FAILURE, "timeout": {"duration": "1h"}}])
    def test_is_neither_failure_nor_success(self, policy: dict[str, Any]) -> None:
        breaker = create_breaker(policy)

        async def cancelled() -> None:
            task = asyncio.ensure_future(breaker.call_async(asyncio.sleep, 3_600))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(cancelled())
        assert breaker.state == "closed"
        assert breaker.stats().totals | {"ignored": 1, "failed": 0, "succeeded": 0} == breaker.stats().totals

    def test_gives_a_probe_back(self) -> None:
        _, breaker = half_open()

        async def cancelled() -> None:
            task = asyncio.ensure_future(breaker.call_async(asyncio.sleep, 3_600))
            await asyncio.sleep(0)
            assert breaker.enter() is None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(cancelled())
        assert breaker.state == "half-open"
        assert breaker.enter() is not None

    def test_an_interrupt_is_no_outcome(self) -> None:
        breaker = create_breaker(ONE_FAILURE)

        def interrupted() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            breaker.call(interrupted)
        assert breaker.state == "closed"
        assert breaker.stats().totals["ignored"] == 1

    def test_of_the_caller_is_not_taken_for_the_time_limit(self) -> None:
        clock = FakeClock()
        breaker = create_breaker({"timeout": {"duration": "1s"}}, clock)

        async def both() -> None:
            task = asyncio.ensure_future(breaker.call_async(asyncio.sleep, 3_600))
            await asyncio.sleep(0)
            task.cancel()
            clock.advance(1_000)
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(both())


class TestIgnoredErrors:
    POLICY: dict[str, Any] = {**ONE_FAILURE, "classify": {"ignore": {"errorNames": ["LookupError"]}}}

    def test_are_no_successes(self) -> None:
        breaker = create_breaker({**self.POLICY, "trip": {"consecutiveFailures": 2}})
        for error in (ValueError(), KeyError(), ValueError()):
            permit = breaker.enter()
            assert permit is not None
            permit.fail(error)
        assert breaker.state == "open"

    def test_do_not_close_a_half_open_circuit(self) -> None:
        _, breaker = half_open()
        breaker.apply(self.POLICY)
        permit = breaker.enter()
        assert permit is not None
        permit.fail(KeyError())
        assert breaker.state == "half-open"
        assert breaker.stats().totals["ignored"] == 1


class TestGenerators:
    def test_are_one_call_that_fails_where_they_raise(self) -> None:
        breaker = create_breaker(ONE_FAILURE)

        @breaker
        def lines() -> Iterator[int]:
            yield 1
            raise OSError

        with pytest.raises(OSError):
            list(lines())
        assert breaker.state == "open"
        with pytest.raises(CircuitOpenError):
            list(lines())

    def test_that_are_abandoned_are_ignored(self) -> None:
        _, breaker = half_open()

        @breaker
        def lines() -> Iterator[int]:
            yield from range(10)

        assert next(iter(lines())) == 0
        gc.collect()
        assert breaker.state == "half-open"
        assert breaker.stats().totals["ignored"] == 1
        assert list(lines()) == list(range(10))
        assert breaker.state == "closed"

    def test_pass_on_what_is_sent_raised_and_returned(self) -> None:
        breaker = create_breaker({})

        @breaker
        def echo() -> Any:
            received = yield 0
            try:
                yield received
            except ValueError as error:
                yield error.args[0]
            return "end"

        generator = echo()
        assert next(generator) == 0
        assert generator.send(5) == 5
        assert generator.throw(ValueError("thrown")) == "thrown"
        with pytest.raises(StopIteration) as end:
            next(generator)
        assert end.value.value == "end"

    def test_of_tasks_are_one_call_too(self) -> None:
        breaker = create_breaker(ONE_FAILURE)

        @breaker
        async def lines() -> AsyncIterator[Any]:
            received = yield 1
            yield received
            await asyncio.sleep(0)
            raise OSError

        async def read() -> None:
            generator: Any = lines()
            assert await anext(generator) == 1
            assert await generator.asend(7) == 7
            with pytest.raises(OSError):
                await anext(generator)
            abandoned: Any = lines()
            with pytest.raises(CircuitOpenError):
                await anext(abandoned)
            breaker.reset()
            assert await anext(abandoned := lines()) == 1
            await abandoned.aclose()

        asyncio.run(read())
        assert breaker.state == "closed"
        assert breaker.stats().totals["ignored"] == 1


class TestCoroutines:
    def test_are_not_taken_for_results(self) -> None:
        breaker = create_breaker(ONE_FAILURE)

        async def work() -> None:
            raise OSError

        with pytest.raises(TypeError, match="use call_async"):
            _ = breaker.call(work)
        with pytest.raises(TypeError, match="decorate an async function"):
            _ = breaker(lambda: work())()
        assert breaker.stats().totals["succeeded"] == 0
        with pytest.raises(OSError):
            asyncio.run(breaker.call_async(work))
        assert breaker.state == "open"


class TestErrors:
    def test_of_the_function_keep_their_identity(self) -> None:
        breaker = create_breaker({"retry": {"maxAttempts": 2, "backoff": {"initial": "1ms"}}}, FakeClock())
        errors = [OSError("first"), OSError("last")]
        given = iter(errors)

        def work() -> None:
            raise next(given)

        with pytest.raises(OSError) as seen:
            breaker.call(work)
        assert seen.value is errors[1]
        assert seen.value.__cause__ is None
        assert seen.value.__context__ is None

    def test_of_the_breaker_are_made_for_each_call(self) -> None:
        clock, breaker = half_open()
        breaker.force_open("drill", 60)
        errors = []
        for _ in range(2):
            with pytest.raises(CircuitOpenError) as seen:
                breaker.call(lambda: None)
            errors.append(seen.value)
            clock.advance(1_000)
        assert errors[0] is not errors[1]
        assert [error.retry_after for error in errors] == [60, 59]


class TestClocks:
    def test_the_wall_clock_does_not_move_a_circuit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        breaker = create_breaker({**ONE_FAILURE, "recovery": {"openDuration": "1h"}})
        permit = breaker.enter()
        assert permit is not None
        permit.fail()
        monkeypatch.setattr(time, "time", lambda: 1e12)
        assert breaker.state == "open"
        assert 3_599 < breaker.stats().retry_after <= 3_600


class TestTimeLimits:
    def test_a_blocked_loop_does_not_fail_a_call_that_ended_in_time(self) -> None:
        breaker = create_breaker({"timeout": {"duration": "30ms"}})

        async def answers(reader: asyncio.StreamReader) -> bytes:
            return await reader.readexactly(1)

        async def blocked() -> bytes:
            ours, theirs = socket.socketpair()
            reader, writer = await asyncio.open_connection(sock=ours)
            with theirs:
                call = asyncio.ensure_future(breaker.call_async(answers, reader))
                await asyncio.sleep(0)
                theirs.send(b"x")
                time.sleep(0.06)
                answer: bytes = await call
                writer.close()
                return answer

        assert asyncio.run(blocked()) == b"x"
        assert breaker.stats().totals["timedOut"] == 0

    def test_cancel_the_function_and_end_the_call(self) -> None:
        clock = FakeClock()
        breaker = create_breaker({"timeout": {"duration": "2s"}}, clock)
        seen: list[str] = []

        async def slow() -> None:
            try:
                await asyncio.sleep(3_600)
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

        async def caller() -> None:
            with pytest.raises(CallTimeoutError, match=r"given up after 2\.0 s"):
                await breaker.call_async(slow)
            # Nothing of the cancellation is left in the caller's task.
            task = asyncio.current_task()
            assert task is not None
            if COUNTS_CANCELLATIONS:
                assert task.cancelling() == 0  # type: ignore[attr-defined, unused-ignore]
            await asyncio.sleep(0)

        async def given_up() -> None:
            call = asyncio.ensure_future(caller())
            await asyncio.sleep(0)
            clock.advance(1_999)
            await asyncio.sleep(0)
            assert not call.done()
            clock.advance(1)
            await call

        asyncio.run(given_up())
        assert seen == ["cancelled"]
        assert breaker.stats().totals["timedOut"] == 1


@pytest.mark.usefixtures("fresh_breakers")
class TestForks:
    def test_a_lock_that_is_held_does_not_block_a_child(self) -> None:
        breaker = get_breaker("forked", defaults={"trip": {"consecutiveFailures": 3}})
        breaker.call(lambda: None)
        circuit = breaker._current().circuit
        held, leave = Event(), Event()
        started: list[int] = []
        registry().on_first_call(lambda: started.append(os.getpid()))

        def hold() -> None:
            with circuit._lock, registry()._lock:
                held.set()
                assert leave.wait(30)

        thread = Thread(target=hold)
        thread.start()
        assert held.wait(10)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                signal.alarm(10)
                permit = breaker.enter()
                if permit is not None:
                    permit.fail()
                totals = breaker.stats().totals
                is_fresh = totals["failed"] == 1 and totals["succeeded"] == 0
                code = 0 if is_fresh and started[-1] == os.getpid() else 2
            finally:
                os._exit(code)
        leave.set()
        thread.join(10)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert breaker.stats().totals["succeeded"] == 1
