"""Calls of functions that are awaited."""

from __future__ import annotations

import asyncio
from asyncio import current_task, get_running_loop
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..core.clock import Timers
from ..errors import FuseboardError, call_timeout, circuit_open
from .context_variables import leave
from .deadline import RunningUntil, innermost_limit, set_limit
from .fallback import Fallback, PolicyFallback, answer_error, answer_failure, remember_success
from .layered_call import FailedAttempt, LayeredCall, begin_call
from .loop_timers import loop_timers
from .probe_scope import as_probe, is_part_of_probe
from .queued_wait import QueuedWait, queue
from .response import discard_async, discard_failed_async
from .timed_call import COUNTS_CANCELLATIONS, OURS, was_ours

if TYPE_CHECKING:
    from ..breakers.governed_breaker import GovernedBreaker


async def call_async(
    breaker: GovernedBreaker,
    fn: Callable[[], Any],
    fallback: Fallback | None,
    policy_fallback: PolicyFallback | None,
    may_retry: bool = True,
) -> Any:
    """Call a function through a breaker, with all that its policy has around a call, and await what it returns.

    When the time limit is up, the function is cancelled and the caller gets a ``CallTimeoutError`` once it has ended; where
    the policy also limits concurrency, at once: the call's slot is then held until the function has really ended.
    """
    call = begin_call(breaker, fallback, policy_fallback, may_retry)
    if call is None:
        if is_part_of_probe(breaker):
            value = fn()
            return await value if hasattr(value, "__await__") else value
        error = circuit_open(breaker.name, breaker.key, breaker.circuit.rejected_for_ms)
        return await _awaited(fallback, answer_error(breaker, error, None, fallback, policy_fallback))
    try:
        value = await _attempt(call, fn)
    except Exception as error:
        return await _awaited(fallback, answer_error(breaker, error, call.outcome, fallback, policy_fallback))
    if call.outcome == "success":
        remember_success(breaker, policy_fallback, value)
    elif call.outcome == "failure":
        return await _replace_result(breaker, value, fallback, policy_fallback)
    return value


async def _awaited(fallback: Fallback | None, answer: Any) -> Any:
    """A fallback in code may be async; the answer of the policy's is as it is."""
    return await answer if fallback is not None and hasattr(answer, "__await__") else answer


async def _replace_result(
    breaker: GovernedBreaker, value: object, fallback: Fallback | None, policy_fallback: PolicyFallback | None
) -> Any:
    try:
        answer = await _awaited(fallback, answer_failure(breaker, value, fallback, policy_fallback))
    except BaseException:
        await discard_async(value)
        raise
    if answer is not value:
        await discard_async(value)
    return answer


async def _attempt(call: LayeredCall, fn: Callable[[], Any]) -> Any:
    previous: FailedAttempt | None = None
    while True:
        refusal = await _acquire_slot(call, previous)
        if refusal is not None:
            return call.end_refused(refusal, previous)
        if previous is not None:
            await discard_failed_async(previous.content)
        failure, waits, value = await _run(call, as_probe(call.breaker, fn, call.permit.generation), previous)
        if failure is None:
            return value
        if waits is None:
            return failure.end()
        try:
            await _sleep(call.breaker, waits)
        except BaseException:
            call.settle_aborted()
            await discard_failed_async(failure.content)
            raise
        if not call.may_retry(failure):
            return failure.end()
        previous = failure


Ended = tuple[FailedAttempt | None, float | None, Any]
"""A failure with the wait before another attempt, if there is one, or what the function returned."""


async def _run(call: LayeredCall, fn: Callable[[], Any], previous: FailedAttempt | None) -> Ended:
    limit_ms = call.begin(previous)
    if limit_ms:
        return await (_run_timed if call.slot is None else _run_apart)(call, fn, limit_ms)
    try:
        value = fn()
        if hasattr(value, "__await__"):
            value = await value
    except BaseException as error:
        call.release_slot()
        return _raised(call, error)
    call.release_slot()
    return _returned(call, value)


def _returned(call: LayeredCall, value: object) -> Ended:
    failure = call.returned(value)
    return failure, None if failure is None else call.retry_wait_ms(failure), value


def _raised(call: LayeredCall, error: BaseException) -> Ended:
    """Called where the error is handled: what is no failure is raised again."""
    failure = call.raised(error)
    if failure is None:
        raise error
    return failure, call.retry_wait_ms(failure), None


class _TimeLimit:
    """The time limit of one attempt: accounts for it at once, then ends the waiting task."""

    __slots__ = ("_call", "_end", "due", "ended", "is_over", "limit_ms")

    due: dict[Any, None] | None

    def __init__(self, call: LayeredCall, limit_ms: int, end: Callable[[], object]) -> None:
        self._call = call
        self._end = end
        self.limit_ms = limit_ms
        self.is_over = False
        self.ended: Ended = (None, None, None)

    def expire(self) -> None:
        call = self._call
        breaker = call.breaker
        self.is_over = True
        call.took(self.limit_ms)
        failure = call.expired(call_timeout(breaker.name, breaker.key, self.limit_ms))
        self.ended = (failure, call.retry_wait_ms(failure), None)
        self._end()


async def _run_timed(call: LayeredCall, fn: Callable[[], Any], limit_ms: int) -> Ended:
    """In the task of the caller, which is cancelled when the time is up."""
    breaker = call.breaker
    environment = breaker.environment
    loop = get_running_loop()
    task = current_task(loop)
    assert task is not None
    cancelling = task.cancelling() if COUNTS_CANCELLATIONS else 0  # type: ignore[attr-defined, unused-ignore]
    timers: Timers = environment.timers or loop_timers(loop)
    limit = _TimeLimit(call, limit_ms, lambda: task.cancel(OURS))
    began = environment.now()
    token = set_limit(RunningUntil(environment, began + limit_ms))
    timers.add(limit, limit_ms)
    try:
        value = fn()
        if hasattr(value, "__await__"):
            value = await value
    except BaseException as error:
        timers.remove(limit)
        if not limit.is_over:
            return _raised(call, error)
        if not was_ours(task, cancelling, error):
            raise
        return limit.ended
    finally:
        leave(innermost_limit, token)
    if limit.is_over:
        # The function did not heed its cancellation; the call was given up all the same.
        was_ours(task, cancelling, None)
        await discard_async(value)
        return limit.ended
    timers.remove(limit)
    call.took(environment.now() - began)
    return _returned(call, value)


async def _run_apart(call: LayeredCall, fn: Callable[[], Any], limit_ms: int) -> Ended:
    """In a task of its own, which holds its slot until it has really ended; the caller need not wait for that."""
    breaker = call.breaker
    environment = breaker.environment
    loop = get_running_loop()
    timers: Timers = environment.timers or loop_timers(loop)
    began = environment.now()

    async def work() -> Any:
        set_limit(RunningUntil(environment, began + limit_ms))
        value = fn()
        if hasattr(value, "__await__"):
            value = await value
        if over.done():
            await discard_async(value)
        return value

    slot, call.slot = call.slot, None
    task = loop.create_task(work())
    over: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not over.done():
            over.set_result(None)

    limit = _TimeLimit(call, limit_ms, end)
    raised: BaseException | None = None

    def ended(done: asyncio.Task[Any]) -> None:
        nonlocal raised
        if slot is not None:
            slot.release()
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        if over.done():
            return
        timers.remove(limit)
        if error is None:
            call.took(environment.now() - began)
            limit.ended = _returned(call, done.result())
        else:
            failure = call.raised(error)
            if failure is None:
                raised = error
            else:
                limit.ended = (failure, call.retry_wait_ms(failure), None)
        over.set_result(None)

    task.add_done_callback(ended)
    timers.add(limit, limit_ms)
    try:
        await over
    except BaseException:
        timers.remove(limit)
        task.cancel()
        if not limit.is_over:
            call.settle_aborted()
        raise
    if limit.is_over:
        task.cancel()
    if raised is not None:
        raise raised
    return limit.ended


class _Wake:
    """A wait that ends with its time, or when somebody else ends it, from any thread."""

    __slots__ = ("_expired", "_loop", "due", "future")

    due: dict[Any, None] | None

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], bool] | None = None) -> None:
        self._loop = loop
        self._expired = expired
        self.future: asyncio.Future[None] = loop.create_future()

    def expire(self) -> None:
        if self._expired is None or self._expired():
            self._resolve()

    def end(self) -> None:
        if asyncio._get_running_loop() is self._loop:
            self._resolve()
        else:
            self._loop.call_soon_threadsafe(self._resolve)

    def _resolve(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


async def _acquire_slot(call: LayeredCall, previous: FailedAttempt | None) -> FuseboardError | None:
    """Take a slot among the concurrent calls, in the queue if need be; an error is a refusal."""
    if call.acquire_slot():
        return None
    loop = get_running_loop()
    left = False

    def expired() -> bool:
        nonlocal left
        left = queued.leave()
        return left

    wake = _Wake(loop, expired)
    found = queue(call, previous, wake.end)
    if not isinstance(found, QueuedWait):
        return found
    queued = found
    timers: Timers = call.breaker.environment.timers or loop_timers(loop)
    timers.add(wake, queued.timeout_ms)
    try:
        await wake.future
    except BaseException:
        queued.given_up(left)
        raise
    finally:
        timers.remove(wake)
    return queued.ended(left)


async def _sleep(breaker: GovernedBreaker, ms: float) -> None:
    loop = get_running_loop()
    timers: Timers = breaker.environment.timers or loop_timers(loop)
    wake = _Wake(loop)
    timers.add(wake, ms)
    try:
        await wake.future
    finally:
        timers.remove(wake)
