"""What a breaker keeps for its calls besides its circuit."""

from __future__ import annotations

import math
from threading import RLock

from ..core.config.call_config import CallConfig
from ..core.config.config import Config
from ..core.layers.adaptive_timeout import AdaptiveTimeout
from ..core.layers.limiter import Limiter, Slot, Waiter
from ..core.layers.retry import RetryBudget
from .last_successes import LastSuccesses


class CallLayers:
    """The limit of concurrent calls, the retry budget, the adaptive timeout and the fallback's answers of one breaker.

    A breaker whose policy has none of these has no layers.
    """

    __slots__ = ("_adaptive", "_limiter", "_lock", "_warned", "budget", "config", "last_successes")

    def __init__(self, config: CallConfig) -> None:
        self._lock = RLock()
        self._limiter: Limiter | None = None
        self._adaptive: AdaptiveTimeout | None = None
        self._warned = False
        self.budget = RetryBudget()
        self.last_successes = LastSuccesses()
        """Answers of former calls for the policy's fallback."""
        self.config = config
        self._apply(config)

    @property
    def has_limit(self) -> bool:
        return self.config.concurrency is not None

    @property
    def has_adaptive_limit(self) -> bool:
        """Whether the limit follows how long calls take, so that ``record_call`` has to be called."""
        return self.config.concurrency is not None and self.config.concurrency.adaptive is not None

    @property
    def limit(self) -> int:
        """How many calls may be under way now."""
        assert self._limiter is not None
        return int(self._limiter.limit)

    @property
    def running(self) -> int:
        """Slots that are taken."""
        return 0 if self._limiter is None else self._limiter.running

    def admitted(self) -> None:
        """A call was admitted."""
        retry = self.config.retry
        if retry is not None:
            with self._lock:
                self.budget.admitted(retry.budget_percent)

    def spend_retry(self, now: float, min_per_second: int) -> bool:
        with self._lock:
            return self.budget.spend(now, min_per_second)

    def limit_ms(self, timeout_ms: int) -> int:
        """How long a call may take now, in milliseconds; 0: as long as it likes."""
        adaptive, config = self._adaptive, self.config.adaptive
        if adaptive is None or config is None:
            return timeout_ms
        with self._lock:
            return math.ceil(adaptive.limit_ms(config, timeout_ms))

    @property
    def adaptive(self) -> AdaptiveTimeout | None:
        """``None``: the time limit is fixed."""
        return self._adaptive

    def record_duration(self, adaptive: AdaptiveTimeout, ms: float) -> None:
        with self._lock:
            adaptive.record(ms)

    def acquire(self) -> Slot | None:
        """Take a slot among the concurrent calls, if one is free."""
        assert self._limiter is not None
        slot = Slot(self)
        with self._lock:
            return slot if self._limiter.acquire(slot) else None

    def acquire_anyway(self) -> Slot:
        assert self._limiter is not None
        slot = Slot(self)
        with self._lock:
            self._limiter.acquire_anyway(slot)
        return slot

    def join(self, waiter: Waiter) -> bool:
        """Wait for a slot; false when the queue is full."""
        assert self._limiter is not None
        with self._lock:
            # One that became free since there was none to take would be given to nobody.
            waiter.has_slot = self._limiter.acquire(waiter)
            is_waiting = not waiter.has_slot and self._limiter.join(waiter)
            # Slots of calls that were interrupted are free without anybody having given them back.
            granted = [waiter] if waiter.has_slot else self._limiter.grant()
        _notify_granted(granted)
        return is_waiting or waiter.has_slot

    def leave(self, waiter: Waiter) -> bool:
        """Give up waiting; false for one that was granted a slot before."""
        assert self._limiter is not None
        with self._lock:
            return self._limiter.leave(waiter)

    def release(self, slot: Slot) -> None:
        """Give a slot back; the first in the queue gets it."""
        assert self._limiter is not None
        with self._lock:
            granted = self._limiter.release(slot)
        _notify_granted(granted)

    def record_call(self, ms: float) -> None:
        """A call that gave its slot back succeeded, or one timed out, after ``ms``."""
        if self._limiter is None:
            return
        with self._lock:
            granted = self._limiter.record(ms)
        _notify_granted(granted)

    def configure(self, config: CallConfig) -> None:
        """An edit keeps who runs, who waits and what was learned."""
        self._apply(config)

    def after_fork(self) -> None:
        """Nothing is under way in a child process."""
        self._lock = RLock()
        self._limiter = None
        self.budget = RetryBudget()
        self._apply(self.config)

    def is_first_warning(self) -> bool:
        warned, self._warned = self._warned, True
        return not warned

    def _apply(self, config: CallConfig) -> None:
        granted: list[Waiter] = []
        with self._lock:
            concurrency = config.concurrency
            if concurrency is None:
                if self._limiter is not None:
                    granted = self._limiter.resize(math.inf, 0)
            else:
                if self._limiter is None:
                    self._limiter = Limiter(concurrency.max_concurrent, concurrency.max_queue)
                granted = self._limiter.resize(concurrency.max_concurrent, concurrency.max_queue, concurrency.adaptive)
            if config.adaptive is None:
                self._adaptive = None
            elif self._adaptive is None:
                self._adaptive = AdaptiveTimeout()
            # Only now: calls read the configuration without the lock, and use the limiter where it has a limit.
            self.config = config
        _notify_granted(granted)


def _notify_granted(granted: list[Waiter]) -> None:
    for waiter in granted:
        waiter.granted()


def call_layers_for(config: Config, before: CallLayers | None) -> CallLayers | None:
    """The layers for a configuration; those that a breaker has already stay."""
    call = CallConfig(per_key=config.call.per_key) if config.mode == "Disabled" else config.call
    if before is not None:
        before.configure(call)
        return before
    return None if call.is_plain else CallLayers(call)
