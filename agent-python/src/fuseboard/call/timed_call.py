"""Awaited calls under a fixed time limit with nothing else around them."""

from __future__ import annotations

import asyncio
import sys
from asyncio import current_task, get_running_loop
from contextvars import Token
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..core.clock import Timers
from ..core.counters import TIMED_OUT
from ..core.generation import Generation
from ..core.outcomes.outcome_facts import PLAIN_TYPES
from ..core.permit import Permit
from ..errors import CallTimeoutError, call_timeout
from .deadline import Limited, reset_limit, set_limit
from .loop_timers import expire_at

if TYPE_CHECKING:
    from ..breakers.governed_breaker import GovernedBreaker

COUNTS_CANCELLATIONS = sys.version_info >= (3, 11)
"""Whether a task knows how many times it was cancelled."""

OURS = "the time limit of a circuit breaker's policy is up"
"""What a task is cancelled with at its time limit."""


class TimedCall(Permit):
    """A call under a time limit. Every such call makes one, so it has no constructor: see ``begin_timed``.

    Once the function has ended, ``end`` has to follow, in the task that began the call.
    """

    __slots__ = ("cancelling", "due", "governed", "is_over", "limit_ms", "task", "timers", "token")

    cancelling: int
    """How many times the task had been cancelled when the call began."""
    due: dict[Any, None] | None
    """The deadlines of the wheel that it is one of; ``None`` where other timers hold it."""
    governed: GovernedBreaker
    is_over: bool
    limit_ms: float
    task: asyncio.Task[Any]
    timers: Timers
    """Only where other timers than the wheel of the loop hold it."""
    token: Token[Limited | None]

    def expire(self) -> None:
        self.is_over = True
        self.circuit.count(TIMED_OUT)
        self.circuit.settle(self, "failure", self._error())
        self.task.cancel(OURS)

    def end(self, value: object, error: BaseException | None) -> None:
        """The function returned a value or raised an error.

        Raises a ``CallTimeoutError`` where the time limit was up before, unless somebody else cancelled the task too.
        """
        try:
            reset_limit(self.token)
        except ValueError:
            # As ``leave`` does.
            pass
        due = self.due
        if due is None:
            self.timers.remove(self)
        else:
            # As the wheel removes it.
            due.pop(self, None)
            self.due = None
        circuit = self.circuit
        if self.is_over:
            if was_ours(self.task, self.cancelling, error) or error is None:
                raise self._error() from None
        elif error is not None:
            circuit.settle_error(self, error)
        elif (value is None or type(value) in PLAIN_TYPES) and circuit.classify is None:
            self.succeed()
        else:
            circuit.settle_result(self, value)

    def left_ms(self) -> float:
        circuit = self.circuit
        return self.started_at + self.limit_ms - circuit.read() * circuit.scale

    def _error(self) -> CallTimeoutError:
        return call_timeout(self.governed.name, self.governed.key, self.limit_ms)


def begin_timed(breaker: GovernedBreaker, generation: Generation, limit_ms: int) -> TimedCall:
    """Begin a call in the task that runs, through a breaker whose generation admits it."""
    circuit = breaker.circuit
    call = TimedCall()
    call.circuit = circuit
    call.governed = breaker
    call.generation = generation
    call.outcome = None
    call.is_over = False
    call.limit_ms = limit_ms
    loop = get_running_loop()
    call.task = task = current_task(loop)  # type: ignore[assignment]
    call.cancelling = task.cancelling() if COUNTS_CANCELLATIONS else 0  # type: ignore[union-attr, unused-ignore]
    circuit.permits += 1
    read = circuit.read
    call.started_at = began = read() * circuit.scale
    call.token = set_limit(call)
    timers = circuit.environment.timers
    if timers is None:
        expire_at(loop, call, (began if read is monotonic else monotonic() * 1_000) + limit_ms)
    else:
        call.due = None
        call.timers = timers
        timers.add(call, limit_ms)
    return call


def was_ours(task: asyncio.Task[Any], cancelling: int, error: BaseException | None) -> bool:
    """After a time limit cancelled the task: takes that back, and says whether nobody else cancelled it too.

    ``cancelling`` is how many times it had been cancelled when the call began.
    """
    if COUNTS_CANCELLATIONS:
        cancellations: int = task.uncancel()  # type: ignore[attr-defined, unused-ignore]
        return cancellations <= cancelling or not isinstance(error, asyncio.CancelledError)
    return not isinstance(error, asyncio.CancelledError) or error.args == (OURS,)
