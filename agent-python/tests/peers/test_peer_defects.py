"""Each case is run against a breaker that has the defect, which proves the case, and against ours, which must not have it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any

import interlock
import pytest

from fuseboard.testing import create_breaker

from .subjects import CircuitBreaker, Interlock, Make, Ours, PyBreaker, PyResilience

Case = Callable[[Make, pytest.MonkeyPatch], bool]
"""Whether the defect shows."""


class Excluded(Exception):
    """What the configuration says is no failure."""


def fail() -> None:
    raise OSError("down")


def attempt(fn: Callable[[], Any]) -> str:
    """What became of a call: ``passed``, ``failed`` (by the function) or ``rejected``."""
    called: list[bool] = []

    def noted() -> Any:
        called.append(True)
        return fn()

    try:
        _current(noted)()
    except Exception:
        return "failed" if called else "rejected"
    return "passed"


_current: Callable[[Callable[[], Any]], Callable[[], Any]]


def using(protect: Callable[..., Any]) -> None:
    global _current
    _current = protect


def is_open() -> bool:
    return attempt(lambda: "fine") == "rejected"


def tasks_flood(make: Make, patch: pytest.MonkeyPatch) -> bool:
    subject = make(1, patch)
    using(subject.protect)
    running = 0

    @subject.protect
    async def work() -> None:
        nonlocal running
        running += 1
        if running == 1 and not tripped:
            raise OSError
        await asyncio.sleep(0)

    tripped: list[bool] = []

    async def many() -> None:
        nonlocal running
        await asyncio.gather(work(), return_exceptions=True)
        tripped.append(True)
        subject.advance()
        running = 0
        await asyncio.gather(*(work() for _ in range(20)), return_exceptions=True)

    asyncio.run(many())
    return running > 1


def late(make: Make, patch: pytest.MonkeyPatch, succeeds: bool) -> tuple[Any, Callable[[], None]]:
    """A call that began while the circuit was closed and is still under way, and what ends it."""
    subject = make(1, patch)
    using(subject.protect)
    began, leave = Event(), Event()

    @subject.protect
    def slow() -> None:
        began.set()
        assert leave.wait(30)
        if not succeeds:
            raise OSError

    def run() -> None:
        try:
            slow()
        except OSError:
            return

    thread = Thread(target=run, daemon=True)
    thread.start()
    assert began.wait(30)

    def end() -> None:
        leave.set()
        thread.join(30)

    return subject, end


def late_success_closes(make: Make, patch: pytest.MonkeyPatch) -> bool:
    _, end = late(make, patch, succeeds=True)
    attempt(fail)
    assert is_open()
    end()
    return not is_open()


def late_failure_opens(make: Make, patch: pytest.MonkeyPatch) -> bool:
    subject, end = late(make, patch, succeeds=False)
    attempt(fail)
    subject.advance()
    assert attempt(lambda: "fine") == "passed"
    assert not is_open()
    end()
    return is_open()


def forgets_failures(make: Make, patch: pytest.MonkeyPatch, between: Callable[[Callable[..., Any]], None]) -> bool:
    """Whether what happens between two failures is taken for a success, which ends the run of failures."""
    subject = make(2, patch)
    using(subject.protect)
    attempt(fail)
    between(subject.protect)
    attempt(fail)
    return not is_open()


def cancellation_is_a_success(make: Make, patch: pytest.MonkeyPatch) -> bool:
    def cancel(protect: Callable[..., Any]) -> None:
        @protect
        async def work() -> None:
            await asyncio.sleep(3_600)

        async def cancelled() -> None:
            task = asyncio.ensure_future(work())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(cancelled())

    return forgets_failures(make, patch, cancel)


def abandoned_generator_is_a_success(make: Make, patch: pytest.MonkeyPatch) -> bool:
    def abandon(protect: Callable[..., Any]) -> None:
        @protect
        def lines() -> Iterator[int]:
            yield from range(10)

        assert next(iter(lines())) == 0
        gc.collect()

    return forgets_failures(make, patch, abandon)


def coroutine_is_a_success(make: Make, patch: pytest.MonkeyPatch) -> bool:
    async def work() -> None:
        raise OSError

    def call(protect: Callable[..., Any]) -> None:
        try:
            protect(lambda: work())().close()
        except TypeError:
            return

    return forgets_failures(make, patch, call)


def exclude(_: Callable[..., Any]) -> None:
    def excluded() -> None:
        raise Excluded

    assert attempt(excluded) == "failed"


def excluded_error_is_a_success(make: Make, patch: pytest.MonkeyPatch) -> bool:
    return forgets_failures(make, patch, exclude)


def excluded_error_closes(make: Make, patch: pytest.MonkeyPatch) -> bool:
    subject = make(2, patch)
    using(subject.protect)
    attempt(fail)
    attempt(fail)
    subject.advance()
    exclude(subject.protect)
    attempt(fail)
    # Still half-open, the failure of a probe opens the circuit; closed, it would take two.
    return not is_open()


def failing_generator_is_a_success(make: Make, patch: pytest.MonkeyPatch) -> bool:
    subject = make(1, patch)
    using(subject.protect)

    @subject.protect
    def lines() -> Iterator[int]:
        yield 1
        raise OSError

    with pytest.raises(OSError):
        list(lines())
    return not is_open()


def call_keeps_others_waiting(make: Make, patch: pytest.MonkeyPatch) -> bool:
    _, end = late(make, patch, succeeds=True)
    passed = Event()

    def other() -> None:
        attempt(lambda: "fine")
        passed.set()

    thread = Thread(target=other, daemon=True)
    thread.start()
    waited = not passed.wait(1)
    end()
    thread.join(30)
    return waited


def call_of_another_thread_blocks_a_forked_child(make: Make, patch: pytest.MonkeyPatch) -> bool:
    _, end = late(make, patch, succeeds=True)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(2)
        attempt(lambda: "fine")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    end()
    return os.waitstatus_to_exitcode(status) == -signal.SIGALRM


def error_of_the_function_is_replaced(make: Make, patch: pytest.MonkeyPatch) -> bool:
    subject = make(1, patch)
    error = OSError("down")

    @subject.protect
    def work() -> None:
        raise error

    try:
        work()
    except Exception as seen:
        return seen is not error
    raise AssertionError("it raised nothing")


def wall_clock_ends_the_open_time(make: Make, patch: pytest.MonkeyPatch) -> bool:
    """``advance`` of a peer moves what it reads: for pybreaker that is the wall clock, and of ours it is left alone."""
    subject = make(1, patch)
    using(subject.protect)
    attempt(fail)
    patch.setattr(time, "time", lambda: 1e12)
    if not isinstance(subject, Ours):
        subject.advance()
    return not is_open()


def ours_ignoring(failures: int, patch: pytest.MonkeyPatch) -> Ours:
    return Ours(failures, patch, {"classify": {"ignore": {"errorNames": ["Excluded"]}}})


def pybreaker_excluding(failures: int, patch: pytest.MonkeyPatch) -> PyBreaker:
    return PyBreaker(failures, patch, exclude=[Excluded])


CASES: list[tuple[Case, Make, Make]] = [
    (tasks_flood, CircuitBreaker, Ours),
    (tasks_flood, PyResilience, Ours),
    (late_success_closes, CircuitBreaker, Ours),
    (late_failure_opens, CircuitBreaker, Ours),
    (late_failure_opens, PyResilience, Ours),
    (cancellation_is_a_success, CircuitBreaker, Ours),
    (abandoned_generator_is_a_success, CircuitBreaker, Ours),
    (coroutine_is_a_success, PyBreaker, Ours),
    (excluded_error_is_a_success, pybreaker_excluding, ours_ignoring),
    (excluded_error_closes, pybreaker_excluding, ours_ignoring),
    (failing_generator_is_a_success, Interlock, Ours),
    (failing_generator_is_a_success, PyResilience, Ours),
    (call_keeps_others_waiting, PyBreaker, Ours),
    (call_of_another_thread_blocks_a_forked_child, PyBreaker, Ours),
    (error_of_the_function_is_replaced, PyBreaker, Ours),
    (wall_clock_ends_the_open_time, PyBreaker, Ours),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("case", "peer", "ours"), CASES, ids=[f"{case.__name__}-{getattr(peer, '__name__', '')}" for case, peer, _ in CASES]
)
def test_peer_has_the_defect_and_ours_has_not(
    case: Case, peer: Make, ours: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert case(peer, monkeypatch), "the case does not show the defect of the peer"
    assert not case(ours, monkeypatch)


def blocked_loop_fails_a_call_that_ended(limited: Callable[..., Any]) -> bool:
    async def answers(reader: asyncio.StreamReader) -> bytes:
        return await reader.readexactly(1)

    async def blocked() -> bool:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        with theirs:
            call = asyncio.ensure_future(limited(answers, reader))
            await asyncio.sleep(0)
            theirs.send(b"x")
            time.sleep(0.1)
            ends: Any = await asyncio.gather(call, return_exceptions=True)
            writer.close()
            return list(ends) != [b"x"]

    return asyncio.run(blocked())


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="interlock bounds time with asyncio.timeout, which came with 3.11"
)
def test_a_blocked_loop_fails_a_call_that_ended_in_time_for_interlock_and_not_for_ours() -> None:
    async def limited(fn: Callable[..., Any], *args: Any) -> Any:
        async with interlock.timeout(0.05):
            return await fn(*args)

    assert blocked_loop_fails_a_call_that_ended(limited)
    assert not blocked_loop_fails_a_call_that_ended(create_breaker({"timeout": {"duration": "50ms"}}).call_async)
