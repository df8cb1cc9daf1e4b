"""One admitted call from its first attempt to its last, without knowing how it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ..core.classify import Outcome
from ..core.counters import RETRIED, SHADOW_REJECTED, TIMED_OUT
from ..core.layers.adaptive_timeout import AdaptiveTimeout
from ..core.layers.limiter import Slot
from ..core.layers.retry import backoff_ms
from ..core.permit import Permit
from ..core.retry_after import retry_after_ms
from ..errors import FuseboardError, was_not_admitted
from .call_layers import CallLayers
from .fallback import Fallback, PolicyFallback, opt_in

if TYPE_CHECKING:
    from ..breakers.governed_breaker import GovernedBreaker


class FailedAttempt(NamedTuple):
    """What an attempt that failed came to: a result, or an error."""

    kind: Literal["returned", "raised", "expired"]
    content: object

    def end(self) -> Any:
        """What the call comes to: returns the result, or raises the error."""
        if isinstance(self.content, BaseException) and self.kind != "returned":
            raise self.content
        return self.content


class LayeredCall:
    """retry( breaker( concurrency( timeout( fn )))), or, with ``InsideBreaker``, breaker( retry( … ))."""

    __slots__ = (
        "_began",
        "_count",
        "_inside",
        "_is_plain",
        "_learns",
        "_may_retry",
        "breaker",
        "is_late",
        "outcome",
        "permit",
        "slot",
        "timeout_error",
    )

    def __init__(self, breaker: GovernedBreaker, permit: Permit, answered: bool, may_retry: bool = True) -> None:
        """``permit`` is for the first attempt; ``answered``: a fallback may answer; ``may_retry``: the policy's retries apply."""
        retry = None if breaker.layers is None else breaker.layers.config.retry
        self.breaker = breaker
        self.permit = permit
        self.outcome: Outcome | None = None
        """The outcome of the last attempt; ``None`` where none ended."""
        self.is_late = False
        """Whether a function that could not be interrupted returned after its time."""
        self.timeout_error: BaseException | None = None
        """The error of the last attempt whose time was up, whatever its function came to later."""
        self._inside = retry is not None and retry.inside_breaker
        self.slot: Slot | None = None
        """The slot among the concurrent calls that this attempt holds."""
        is_probe = not permit.generation.admits and breaker.circuit.state == "half-open"
        self._is_plain = breaker.layers is None and not answered and not is_probe
        """Whether nothing was around the call when it began, and it tests no circuit: then no edit puts anything around it."""
        self._learns: tuple[CallLayers, AdaptiveTimeout] | None = None
        """Who learns how long this attempt takes."""
        self._began: float | None = None
        """When this attempt began, for an adaptive limit."""
        self._count = 0
        self._may_retry = may_retry

    def acquire_slot(self) -> bool:
        """Take a slot among the concurrent calls where there is a limit; in Shadow mode everybody gets one."""
        layers = self.breaker.layers
        if layers is None or not layers.has_limit:
            return True
        self.slot = layers.acquire()
        if self.slot is None:
            if self.breaker.circuit.config.mode != "Shadow":
                return False
            self.breaker.circuit.count(SHADOW_REJECTED)
            self.slot = layers.acquire_anyway()
        return True

    def release_slot(self) -> None:
        slot, self.slot = self.slot, None
        if slot is not None:
            slot.release()

    def waits_first(self, previous: FailedAttempt | None) -> bool:
        """Whether the breaker's call has not begun while this attempt waits for its slot."""
        return not self._inside or previous is None

    def begin(self, previous: FailedAttempt | None) -> int:
        """An attempt begins; returns its time limit in milliseconds, 0: none."""
        if previous is not None:
            self.breaker.circuit.count(RETRIED)
            # The breaker is not asked again for an attempt inside of its call; listeners are
            # notified of what time changed all the same.
            self.breaker.circuit.update_to_now()
        self._count += 1
        timeout_ms = self.breaker.circuit.config.timeout_ms
        layers = self.breaker.layers
        if layers is None or self._is_plain:
            return timeout_ms
        self._learns = None if layers.adaptive is None else (layers, layers.adaptive)
        self._began = self.breaker.environment.now() if layers.has_adaptive_limit else None
        return layers.limit_ms(timeout_ms)

    def took(self, ms: float) -> None:
        """The attempt returned or was given up after so many milliseconds."""
        if self._learns is not None:
            layers, adaptive = self._learns
            layers.record_duration(adaptive, ms)

    def returned(self, value: object) -> FailedAttempt | None:
        """The function returned; a failure is what may be tried again."""
        circuit = self.breaker.circuit
        outcome = circuit.classify_result(value) if self._inside else circuit.settle_result(self.permit, value)
        if outcome == "failure":
            return FailedAttempt("returned", value)
        if outcome == "success":
            self._record_call(None)
        if self._inside:
            circuit.settle(self.permit, outcome)
        self.outcome = outcome
        return None

    def raised(self, error: BaseException) -> FailedAttempt | None:
        """The function raised; ``None`` is no failure, and the error stands."""
        circuit = self.breaker.circuit
        outcome = circuit.classify_error(error) if self._inside else circuit.settle_error(self.permit, error)
        if outcome == "failure":
            return FailedAttempt("raised", error)
        if self._inside:
            circuit.settle(self.permit, outcome)
        self.outcome = outcome
        return None

    def expired(self, error: BaseException, at: float | None = None) -> FailedAttempt:
        """The time limit is up, or was at that time, while the function may still run.

        Inside of the breaker, the permit is settled as of that time only where no other attempt can follow.
        """
        circuit = self.breaker.circuit
        self.timeout_error = error
        self._record_call(at)
        circuit.count(TIMED_OUT)
        if at is not None:
            if not self._inside or self._is_last_attempt:
                circuit.time_out(self.permit, at, error)
        elif not self._inside:
            circuit.settle(self.permit, "failure", error)
        return FailedAttempt("expired", error)

    def retry_wait_ms(self, failure: FailedAttempt) -> float | None:
        """How long to wait before another attempt; ``None``: this failure is what the call comes to."""
        waits = self._next_wait_ms(failure)
        if waits is None:
            self.settle_failure(failure)
        return waits

    def may_retry(self, failure: FailedAttempt) -> bool:
        """After the wait: whether there is another attempt. If not, the failure is what the call comes to."""
        if self.breaker.circuit.rejects_all:
            self.settle_failure(failure)
            return False
        if not self._inside:
            permit = self.breaker.circuit.enter()
            if permit is None:
                self.settle_failure(failure)
                return False
            self.permit = permit
        return True

    def end_refused(self, refusal: FuseboardError, previous: FailedAttempt | None) -> Any:
        """The attempt got no slot: raises the refusal, or ends with the failure before it."""
        if self.waits_first(previous):
            self.permit.ignore()
        if previous is None:
            raise refusal
        self.settle_failure(previous)
        return previous.end()

    def settle_aborted(self) -> None:
        """The caller gave up while the call waited."""
        self.permit.ignore()
        self.outcome = "ignored"

    def settle_failure(self, failure: FailedAttempt) -> None:
        """Settle what is not settled by the failure that stands."""
        circuit = self.breaker.circuit
        self.outcome = "failure"
        if not self._inside:
            return
        if failure.kind == "returned":
            circuit.settle_result(self.permit, failure.content)
        elif failure.kind == "raised" and isinstance(failure.content, BaseException):
            circuit.settle_error(self.permit, failure.content)
        else:
            circuit.settle(self.permit, "failure", self.timeout_error)

    @property
    def _is_last_attempt(self) -> bool:
        layers = self.breaker.layers
        retry = None if layers is None else layers.config.retry
        return self._is_plain or not self._may_retry or retry is None or self._count >= retry.max_attempts

    def _record_call(self, at: float | None) -> None:
        layers = self.breaker.layers
        if layers is not None and self._began is not None:
            layers.record_call((self.breaker.environment.now() if at is None else at) - self._began)

    def _next_wait_ms(self, failure: FailedAttempt) -> float | None:
        breaker = self.breaker
        layers = breaker.layers
        retry = None if layers is None else layers.config.retry
        if layers is None or retry is None or self._is_last_attempt or breaker.circuit.rejects_all:
            return None
        if (
            failure.kind == "raised"
            and isinstance(failure.content, BaseException)
            and was_not_admitted(failure.content)
        ):
            # Another breaker inside of the function did not admit the call; a retry would put load on it all the same.
            return None
        environment = breaker.environment
        asked = 0 if failure.kind == "expired" else retry_after_ms(failure.content, environment.wall_now)
        jitter = 0 if retry.jitter_percent == 0 else environment.random()
        waits = backoff_ms(retry, self._count, jitter, asked)
        return waits if waits is not None and layers.spend_retry(environment.now(), retry.min_per_second) else None


def begin_call(
    breaker: GovernedBreaker,
    fallback: Fallback | None,
    policy_fallback: PolicyFallback | None,
    may_retry: bool = True,
) -> LayeredCall | None:
    """Ask for permission for one call; ``None`` is a rejection, which is counted."""
    if policy_fallback is not None:
        opt_in(breaker)
    permit = breaker.circuit.enter()
    if permit is None:
        return None
    if breaker.layers is not None:
        breaker.layers.admitted()
    return LayeredCall(breaker, permit, fallback is not None or policy_fallback is not None, may_retry)
