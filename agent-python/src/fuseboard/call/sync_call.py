"""Calls of functions that return at once."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from time import sleep
from typing import TYPE_CHECKING, Any

from ..errors import FuseboardError, circuit_open
from .attempts import Attempts, Failure
from .deadline import running_until
from .fallback import Fallback, PolicyFallback, fall_back, keep, opt_in, policy_answer
from .overdue import SyncCalls
from .probe_scope import as_probe, is_part_of_probe
from .queued_place import QueuedPlace, queue
from .response import discard

if TYPE_CHECKING:
    from ..breakers.circuit import Circuit


def call_sync(
    circuit: Circuit, fn: Callable[[], Any], fallback: Fallback | None, permission: PolicyFallback | None
) -> Any:
    """Call a function through a circuit, with all that its policy has around a call.

    A time limit cannot interrupt: a call that took longer is counted as timed out and as a failure, and returns what it
    returned.
    """
    core = circuit.core
    if permission is not None:
        opt_in(circuit)
    if circuit.sync_calls is not None:
        circuit.sync_calls.look(circuit.environment.now())
    permit = core.enter()
    if permit is None:
        if is_part_of_probe(circuit):
            return fn()
        error = circuit_open(circuit.name, circuit.key, core.rejected_for_ms)
        return _answer_error(circuit, error, None, fallback, permission)
    if circuit.guards is not None:
        circuit.guards.admitted()
    attempts = Attempts(circuit, permit, fallback is not None or permission is not None)
    if not permit.epoch.admits:
        fn = as_probe(circuit, fn)
    try:
        value = _attempt(attempts, fn)
    except Exception as error:
        return _answer_error(circuit, error, attempts, fallback, permission)
    if attempts.outcome == "success":
        keep(circuit, permission, value)
    elif attempts.outcome == "failure" and not attempts.is_late:
        return _answer_value(circuit, value, fallback, permission)
    return value


def _answer_error(
    circuit: Circuit,
    error: Exception,
    attempts: Attempts | None,
    fallback: Fallback | None,
    permission: PolicyFallback | None,
) -> Any:
    if fallback is not None:
        return fall_back(circuit, fallback, error)
    answer = policy_answer(circuit, permission, None if attempts is None else attempts.outcome)
    if answer is None:
        raise error
    return answer[0]


def _answer_value(circuit: Circuit, value: object, fallback: Fallback | None, permission: PolicyFallback | None) -> Any:
    if fallback is not None:
        answer = value
        try:
            answer = fall_back(circuit, fallback, value)
        finally:
            if answer is not value:
                discard(value)
        return answer
    found = policy_answer(circuit, permission, "failure")
    if found is None:
        return value
    discard(value)
    return found[0]


def _attempt(attempts: Attempts, fn: Callable[[], Any]) -> Any:
    before: Failure | None = None
    while True:
        refusal = _take_place(attempts, before)
        if refusal is not None:
            attempts.refuse(before)
            return _remains(before) if before is not None else _raise(refusal)
        if before is not None and before.kind == "returned":
            discard(before.content)
        failure, value = _run(attempts, fn, before)
        if failure is None:
            return value
        waits = attempts.wait_ms(failure)
        if waits is None:
            return _remains(failure)
        try:
            _sleep(attempts.circuit, waits)
        except BaseException:
            attempts.abandon()
            raise
        if not attempts.again(failure):
            return _remains(failure)
        before = failure


def _run(attempts: Attempts, fn: Callable[[], Any], before: Failure | None) -> tuple[Failure | None, Any]:
    circuit = attempts.circuit
    limit_ms = attempts.begin(before)
    watched: SyncCalls | None = None
    environment = circuit.environment
    began = environment.now()
    token = None
    if limit_ms:
        watched = circuit.watch_sync_calls()
        watched.add(attempts, began, limit_ms)
        token = running_until.set((environment.read, environment.scale, began + limit_ms))
    try:
        value = fn()
    except BaseException as error:
        attempts.leave_place()
        if watched is not None and not watched.remove(attempts, environment.now()):
            if isinstance(error, Exception):
                return Failure("expired", error), None
            raise
        failure = attempts.raised(error)
        if failure is None:
            raise
        return failure, None
    else:
        attempts.leave_place()
        if hasattr(value, "__await__"):
            if watched is not None:
                watched.remove(attempts, environment.now())
            refuse_awaitable(circuit.name, attempts.permit.ignore, value)
        if watched is not None:
            now = environment.now()
            if not watched.remove(attempts, now):
                attempts.is_late = True
                attempts.conclude(Failure("expired", None))
                return None, value
            attempts.took(now - began)
        return attempts.returned(value), value
    finally:
        if token is not None:
            running_until.reset(token)


def refuse_awaitable(name: str, ignore: Callable[[], None], value: Any) -> None:
    """What is to be awaited has not been called yet, and would be taken for a success."""
    ignore()
    if hasattr(value, "close"):
        value.close()
    raise TypeError(
        f'a call through breaker "{name}" returned something to await; use call_async, or decorate an async function'
    )


def _take_place(attempts: Attempts, before: Failure | None) -> FuseboardError | None:
    """Take a place among the concurrent calls, in the queue if need be; an error is a refusal."""
    if attempts.take_place():
        return None
    event = Event()
    queued = queue(attempts, before, event.set)
    if not isinstance(queued, QueuedPlace):
        return queued
    timers = attempts.circuit.environment.timers
    try:
        if timers is None:
            event.wait(queued.timeout_ms / 1_000)
        else:
            timers.wait(event, queued.timeout_ms)
    except BaseException:
        queued.given_up(False)
        raise
    return queued.ended(queued.leave())


def _sleep(circuit: Circuit, ms: float) -> None:
    timers = circuit.environment.timers
    if timers is None:
        sleep(ms / 1_000)
    else:
        timers.sleep(ms)


def _remains(failure: Failure) -> Any:
    if isinstance(failure.content, BaseException) and failure.kind != "returned":
        raise failure.content
    return failure.content


def _raise(error: BaseException) -> Any:
    raise error
