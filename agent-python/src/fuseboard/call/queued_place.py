"""A wait for a place among the concurrent calls, without knowing how the caller waits."""

from __future__ import annotations

from collections.abc import Callable

from ..core.call_config import ConcurrencyConfig
from ..core.limiter import Waiter
from ..errors import FuseboardError, limited, queue_timeout
from .attempts import Attempts, Failure
from .guards import Guards


class QueuedPlace:
    """A place in the queue. The wait ends by ``ended`` or ``given_up``, once; until then the call is not under way."""

    __slots__ = ("_attempts", "_config", "_guards", "_waiter", "_waits_first")

    def __init__(
        self, attempts: Attempts, guards: Guards, config: ConcurrencyConfig, waiter: Waiter, waits_first: bool
    ) -> None:
        self._attempts = attempts
        self._guards = guards
        self._config = config
        self._waiter = waiter
        self._waits_first = waits_first
        if waits_first:
            attempts.circuit.core.pause(attempts.permit)

    @property
    def timeout_ms(self) -> float:
        """How long the call may wait."""
        return self._config.queue_timeout_ms

    def leave(self) -> bool:
        """Leave the queue because the time is up; ``False``: the place was given meanwhile."""
        return self._guards.leave(self._waiter)

    def ended(self, left: bool) -> FuseboardError | None:
        """The wait is over. ``left``: the queue was left without a place, which is the error that this returns."""
        self._restart()
        if left:
            circuit = self._attempts.circuit
            return queue_timeout(circuit.name, circuit.key, self._config.queue_timeout_ms)
        self._attempts.place = self._guards
        return None

    def given_up(self, left: bool) -> None:
        """The caller waits no more. ``left``: it has left the queue before."""
        if not left and not self.leave():
            self._guards.release()
        self._restart()
        self._attempts.abandon()

    def _restart(self) -> None:
        if self._waits_first:
            self._attempts.circuit.core.restart(self._attempts.permit)


def queue(
    attempts: Attempts, before: Failure | None, granted: Callable[[], None]
) -> QueuedPlace | FuseboardError | None:
    """Queue for a place, after there was none to take; ``granted`` is called when there is one, from any thread.

    An error: the queue is full. ``None``: there is no limit any more.
    """
    circuit = attempts.circuit
    guards = circuit.guards
    config = None if guards is None else guards.config.concurrency
    if guards is None or config is None:
        return None
    waiter = Waiter(granted)
    if not guards.join(waiter):
        return limited(circuit.name, circuit.key, config.max_concurrent, config.max_queue)
    return QueuedPlace(attempts, guards, config, waiter, attempts.waits_first(before))
