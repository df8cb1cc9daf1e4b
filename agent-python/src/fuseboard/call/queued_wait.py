"""A wait for a slot among the concurrent calls, without knowing how the caller waits."""

from __future__ import annotations

from collections.abc import Callable

from ..core.config.call_config import ConcurrencyConfig
from ..core.layers.limiter import Waiter
from ..errors import FuseboardError, limited, queue_timeout
from .call_layers import CallLayers
from .layered_call import FailedAttempt, LayeredCall


class QueuedWait:
    """The wait of one call in the queue. The wait ends by ``ended`` or ``given_up``, once; until then the call is not under way."""

    __slots__ = ("_call", "_config", "_layers", "_waiter", "_waits_first")

    def __init__(
        self, call: LayeredCall, layers: CallLayers, config: ConcurrencyConfig, waiter: Waiter, waits_first: bool
    ) -> None:
        self._call = call
        self._layers = layers
        self._config = config
        self._waiter = waiter
        self._waits_first = waits_first
        if waits_first:
            call.breaker.circuit.pause(call.permit)

    @property
    def timeout_ms(self) -> float:
        """How long the call may wait."""
        return self._config.queue_timeout_ms

    def leave(self) -> bool:
        """Leave the queue because the time is up; ``False``: the slot was given meanwhile."""
        return self._layers.leave(self._waiter)

    def ended(self, left: bool) -> FuseboardError | None:
        """The wait is over. ``left``: the queue was left without a slot, which is the error that this returns."""
        self._restart()
        if left:
            breaker = self._call.breaker
            return queue_timeout(breaker.name, breaker.key, self._config.queue_timeout_ms)
        self._call.slot = self._waiter
        return None

    def given_up(self, left: bool) -> None:
        """The caller waits no more. ``left``: it has left the queue before."""
        if not left and not self.leave():
            self._waiter.release()
        self._restart()
        self._call.settle_aborted()

    def _restart(self) -> None:
        if self._waits_first:
            self._call.breaker.circuit.begin(self._call.permit)


def queue(
    call: LayeredCall, previous: FailedAttempt | None, granted: Callable[[], None]
) -> QueuedWait | FuseboardError | None:
    """Queue for a slot, after there was none to take; ``granted`` is called when there is one, from any thread.

    An error: the queue is full. ``None``: there is no limit any more.
    """
    breaker = call.breaker
    layers = breaker.layers
    config = None if layers is None else layers.config.concurrency
    if layers is None or config is None:
        return None
    waiter = Waiter(layers, granted)
    if not layers.join(waiter):
        return limited(breaker.name, breaker.key, layers.limit, config.max_queue)
    return QueuedWait(call, layers, config, waiter, call.waits_first(previous))
