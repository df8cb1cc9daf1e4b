"""Calls of synchronous functions."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from time import sleep
from typing import TYPE_CHECKING, Any

from ..errors import FuseboardError, circuit_open
from .deadline import RunningUntil, reset_limit, set_limit
from .fallback import Fallback, PolicyFallback, answer_error, answer_failure, remember_success
from .layered_call import FailedAttempt, LayeredCall, begin_call
from .probe_scope import as_probe, is_part_of_probe
from .queued_wait import QueuedWait, queue
from .response import discard, discard_failed
from .sync_calls import SyncCalls
from .wrong_call import async_fallback

if TYPE_CHECKING:
    from ..breakers.governed_breaker import GovernedBreaker


def call_sync(
    breaker: GovernedBreaker,
    fn: Callable[[], Any],
    fallback: Fallback | None,
    policy_fallback: PolicyFallback | None,
    may_retry: bool = True,
) -> Any:
    """Call a function through a breaker, with all that its policy has around a call.

    A time limit cannot interrupt: a call that took longer is counted as timed out and as a failure, and returns what it
    returned.
    """
    if breaker.sync_calls is not None:
        breaker.sync_calls.expire_due(breaker.environment.now())
    call = begin_call(breaker, fallback, policy_fallback, may_retry)
    if call is None:
        if is_part_of_probe(breaker):
            return fn()
        error = circuit_open(breaker.name, breaker.key, breaker.circuit.rejected_for_ms)
        return _ready(breaker, fallback, answer_error(breaker, error, None, fallback, policy_fallback))
    try:
        value = _attempt(call, fn)
    except Exception as error:
        return _ready(breaker, fallback, answer_error(breaker, error, call.outcome, fallback, policy_fallback))
    if call.outcome == "success":
        remember_success(breaker, policy_fallback, value)
    elif call.outcome == "failure" and not call.is_late:
        return _replace_result(breaker, value, fallback, policy_fallback)
    return value


def _ready(breaker: GovernedBreaker, fallback: Fallback | None, answer: Any) -> Any:
    """The answer of a fallback; nobody here could await one."""
    if fallback is not None and hasattr(answer, "__await__"):
        if hasattr(answer, "close"):
            answer.close()
        raise async_fallback(breaker.name)
    return answer


def _replace_result(
    breaker: GovernedBreaker, value: object, fallback: Fallback | None, policy_fallback: PolicyFallback | None
) -> Any:
    try:
        answer = _ready(breaker, fallback, answer_failure(breaker, value, fallback, policy_fallback))
    except BaseException:
        discard(value)
        raise
    if answer is not value:
        discard(value)
    return answer


def _attempt(call: LayeredCall, fn: Callable[[], Any]) -> Any:
    previous: FailedAttempt | None = None
    while True:
        refusal = _acquire_slot(call, previous)
        if refusal is not None:
            return call.end_refused(refusal, previous)
        if previous is not None:
            discard_failed(previous.content)
        failure, value = _run(call, as_probe(call.breaker, fn, call.permit.generation), previous)
        if failure is None:
            return value
        waits = call.retry_wait_ms(failure)
        if waits is None:
            return failure.end()
        try:
            _sleep(call.breaker, waits)
        except BaseException:
            call.settle_aborted()
            discard_failed(failure.content)
            raise
        if not call.may_retry(failure):
            return failure.end()
        previous = failure


def _run(call: LayeredCall, fn: Callable[[], Any], previous: FailedAttempt | None) -> tuple[FailedAttempt | None, Any]:
    breaker = call.breaker
    limit_ms = call.begin(previous)
    watched: SyncCalls | None = None
    environment = breaker.environment
    began = environment.now()
    token = None
    if limit_ms:
        watched = breaker.watch_sync_calls()
        watched.add(call, began, limit_ms)
        token = set_limit(RunningUntil(environment, began + limit_ms))
    try:
        value = fn()
    except BaseException as error:
        call.release_slot()
        if watched is not None and not watched.remove(call, environment.now()):
            if isinstance(error, Exception):
                return FailedAttempt("expired", error), None
            raise
        failure = call.raised(error)
        if failure is None:
            raise
        return failure, None
    else:
        call.release_slot()
        if hasattr(value, "__await__"):
            if watched is not None:
                watched.remove(call, environment.now())
            refuse_awaitable(breaker.name, call.permit.ignore, value)
        if watched is not None:
            now = environment.now()
            if not watched.remove(call, now):
                call.is_late = True
                call.settle_failure(FailedAttempt("expired", call.timeout_error))
                return None, value
            call.took(now - began)
        return call.returned(value), value
    finally:
        if token is not None:
            reset_limit(token)


def refuse_awaitable(name: str, ignore: Callable[[], None], value: Any) -> None:
    """What is to be awaited has not been called yet, and would be taken for a success."""
    ignore()
    if hasattr(value, "close"):
        value.close()
    raise TypeError(
        f'a call through breaker "{name}" returned something to await; use call_async, or decorate an async function'
    )


def _acquire_slot(call: LayeredCall, previous: FailedAttempt | None) -> FuseboardError | None:
    """Take a slot among the concurrent calls, in the queue if need be; an error is a refusal."""
    if call.acquire_slot():
        return None
    event = Event()
    queued = queue(call, previous, event.set)
    if not isinstance(queued, QueuedWait):
        return queued
    timers = call.breaker.environment.timers
    try:
        if timers is None:
            event.wait(queued.timeout_ms / 1_000)
        else:
            timers.wait(event, queued.timeout_ms)
    except BaseException:
        queued.given_up(False)
        raise
    return queued.ended(queued.leave())


def _sleep(breaker: GovernedBreaker, ms: float) -> None:
    timers = breaker.environment.timers
    if timers is None:
        sleep(ms / 1_000)
    else:
        timers.sleep(ms)
