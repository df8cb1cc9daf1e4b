"""The circuit: what it admits, how outcomes move its state, and when it opens and closes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from .classify import CallOutcome, Classify, Outcome, classify_error, classify_result, plain_failure
from .clock import Environment
from .config.config import Config
from .config.defaults import LATENCY_BUCKETS
from .counters import COUNTERS, FAILED, IGNORED, REJECTED, SHADOW_REJECTED, SLOW, Totals, totals_of
from .exclusive import Exclusive, exclusive, has_gil
from .forced_state import NO_HISTORY, NOT_AN_OPENING, Forced, OverrideRef, forced_detail
from .generation import NEVER, NO_GENERATION, Generation
from .half_open import Decision, begin_half_open, can_probe, evaluate_probes, is_ramp_over, ramp_admits, record_probe
from .open_time import open_time_ms
from .outcomes.last_error import Described, LastError, described
from .permit import Permit, permit_of
from .retry_after import retry_after_ms
from .state import BY_FAILURES, Closed, Open, Probing, Ramping, Reason, State, StateRecord, TransitionEvent
from .trip import tripped_by_number, tripped_by_rate
from .windows import CountWindow, Window, window_for
from .windows.histogram import FIRST_BUCKET_MS, latency_bucket
from .windows.in_flight import InFlight

STALL_WATCH_FACTOR = 10
"""How long to watch for stalls after a call began, as a multiple of ``slowerThan``."""


class Circuit(Exclusive):
    """The circuit of a breaker, without I/O, timers or a clock of its own.

    It decides from the configuration, the outcomes that it is told and the time that it is given. State that depends on time
    is brought up to date when it is read. Threads may use it at once: what changes the state holds a lock, never across the
    caller's function; a success of a closed and quiet circuit is counted without one (see ``Generation``).
    """

    __slots__ = (
        "_consecutive_failures",
        "_has_fast_path",
        "_history",
        "_in_flight",
        "_last_error",
        "_on_first_call",
        "_state",
        "_window",
        "classify",
        "config",
        "counters",
        "environment",
        "generation",
        "is_plain",
        "permits",
        "read",
        "scale",
    )

    def __init__(
        self,
        config: Config,
        environment: Environment,
        notify: Callable[[TransitionEvent], None],
        on_first_call: Callable[[], None] | None = None,
    ) -> None:
        """``notify`` is told of a change of state, once the state is consistent; ``on_first_call`` of the first call.

        Neither may raise.
        """
        super().__init__(notify)
        self.environment = environment
        self.read = environment.read
        self.scale = environment.scale
        self._has_fast_path = has_gil()
        self.classify: Classify | None = None
        """The classifier that code gave, which wins over the policy's. Must not raise."""
        self.is_plain = False
        """Whether nothing is around a call but this circuit."""
        self._on_first_call = on_first_call
        self.permits = 0
        """How many permits were given since the circuit was made."""
        self.counters = [0] * COUNTERS
        self._history = NO_HISTORY
        self._consecutive_failures = 0
        self._last_error: Described | None = None
        now = environment.now()
        self.config = config
        """What it decides by; only ``configure`` changes it."""
        self._window: Window = window_for(config, None, now)
        self._in_flight = InFlight(config.slow_ms, now) if config.counts_slow else None
        self._state: StateRecord = Closed(now)
        self.generation = self._new_generation()
        self._start_fast_path()

    # State and counts

    @exclusive
    def update_to_now(self) -> float:
        """Make the changes of state that time alone brings up to now, and return that."""
        return self._expire_deadlines_now()

    @property
    def state(self) -> State:
        """The state now."""
        if type(self._state) is not Closed:
            self.update_to_now()
        return self._state.kind

    @property
    @exclusive
    def since_ms(self) -> float:
        """How long the state has lasted, in milliseconds."""
        return max(0.0, self._expire_deadlines_now() - self._state.since)

    @property
    def retry_after_ms(self) -> float:
        """How long until an open circuit lets a probe through, in milliseconds; 0 in any other state."""
        now = self.update_to_now()
        state = self._state
        return max(0.0, state.until - now) if isinstance(state, Open) else 0

    @property
    def rejected_for_ms(self) -> float:
        """The same for a call that was rejected just now, without looking at anything else."""
        state = self._state
        return max(0.0, state.until - self.read() * self.scale) if isinstance(state, Open) else 0

    @property
    def consecutive_failures(self) -> int:
        """Failures since the last success. Kept while open; 0 after a close or a reset."""
        return self._consecutive_failures

    @property
    def last_error(self) -> LastError | None:
        """What the last failure was. ``None``: there was none since the circuit last closed, or that is not known."""
        failed = self._last_error
        return None if failed is None else LastError(*failed)

    def totals(self) -> Totals:
        """What was counted over its life, by the names of the wire; it never runs backwards."""
        with self._lock:
            counters = list(self.counters)
        return totals_of(counters)

    def latency(self) -> list[int]:
        """How many calls took how long: bucket i counts those under 2^i x 0.125 ms that no smaller bucket counts."""
        return self.counters[:LATENCY_BUCKETS]

    def count(self, counter: int) -> None:
        """Count one more."""
        with self._lock:
            self.counters[counter] += 1

    @property
    @exclusive
    def window(self) -> dict[str, float]:
        """The calls that the conditions look at."""
        now = self._expire_deadlines_now()
        self._stop_fast_path()
        window = self._window
        window.advance(now)
        found = {"calls": window.calls, "failures": window.failures, "slow": window.slow}
        self._start_fast_path()
        return found

    @property
    @exclusive
    def forced(self) -> tuple[Forced, float] | None:
        """The state that the circuit is forced into, with how many milliseconds that still lasts."""
        now = self._expire_deadlines_now()
        forced = self._history.forced
        return None if forced is None else (forced, forced.until - now)

    # Calls

    def enter(self) -> Permit | None:
        """Ask for permission for one call. Whoever gets a permit settles it once; a rejection is ``None`` and is counted."""
        generation = self.generation
        if generation.admits:
            self.permits += 1
            permit = Permit()
            permit.circuit = self
            permit.generation = generation
            read = self.read
            permit.started_at = read() * self.scale
            permit.outcome = None
            return permit
        read = self.read
        now = read() * self.scale
        # Up to the return no other thread runs in between: see ``Generation``.
        if now < generation.rejects_until:
            self.counters[REJECTED] += 1
            return None
        if self._on_first_call is not None:
            self._report_first_call()
        return self._enter_general()

    @exclusive
    def _enter_general(self) -> Permit | None:
        now = self._now()
        state = self._state
        if isinstance(state, Open) and now < state.until:
            return self._reject(now)
        now = self._expire_deadlines(now)
        if self._in_flight is not None:
            self._evaluate_overdue(now)
        return self._admit(now) if self._admits(now) else self._reject(now)

    def _report_first_call(self) -> None:
        on_first_call, self._on_first_call = self._on_first_call, None
        if on_first_call is not None:
            on_first_call()
        self._allow_fast_path()

    @exclusive
    def _allow_fast_path(self) -> None:
        self._update_admission()
        self._start_fast_path()

    def classify_result(self, result: object) -> Outcome:
        """The outcome of a call that returned this."""
        if self.classify is not None:
            outcome = self.classify(CallOutcome(result=result))
            if outcome is not None:
                return outcome
        return classify_result(self.config.classification, result)

    def classify_error(self, error: BaseException) -> Outcome:
        """The outcome of a call that raised this; what is no ``Exception`` is ignored."""
        if self.classify is not None and isinstance(error, Exception):
            outcome = self.classify(CallOutcome(error=error))
            if outcome is not None:
                return outcome
        return classify_error(self.config.classification, error)

    def settle_result(self, permit: Permit, result: object) -> Outcome:
        """Settle a permit by what the call returned, and return the outcome."""
        outcome = self.classify_result(result)
        if outcome == "success":
            permit.succeed()
        else:
            self.settle(permit, outcome, result)
        return outcome

    def settle_error(self, permit: Permit, error: BaseException) -> Outcome:
        """Settle a permit by what the call raised, and return the outcome."""
        outcome = self.classify_error(error)
        self.settle(permit, outcome, error)
        return outcome

    def count_failure(self, generation: Generation, started_at: float, error: BaseException) -> bool:
        """Count a call without a permit that raised, without the lock; and say whether that was possible.

        It is where the error can only be a failure, and the circuit was closed before and stays so.
        """
        if not self._has_fast_path or self.classify is not None or not self.config.classification.fails_all:
            return False
        failed = plain_failure(error)
        if failed is None:
            return False
        read = self.read
        now = read() * self.scale
        took = now - started_at
        bucket = 0 if took < FIRST_BUCKET_MS else latency_bucket(took)
        # From here to the return nothing calls and no jump is taken, so that no other thread runs in between: Python
        # 3.10 lets them in at jumps too. One that holds the lock may be in the middle of its operation.
        config, window, counters = self.config, self._window, self.counters
        failures_in, consecutive = window.failures_in, self._consecutive_failures + 1
        failures, calls = window.failures + 1, window.calls + 1
        if (
            not self._busy
            and generation is self.generation
            and generation.admits
            and generation.fast_path_until == NEVER
            and failures_in is not None
            and now < window.steady_until
            and self._history.forced is None
            and config.mode != "Disabled"
            and consecutive < config.consecutive_from
            and failures < config.failures_from
            # A failure less than the rate, so that rounding does not matter.
            and (calls < config.rates_from) | (failures * 100 + 100 < config.failure_rate_percent * calls)
        ):
            self._consecutive_failures = consecutive
            window.failures, window.calls = failures, calls
            failures_in[window.place] += 1
            counters[bucket] += 1
            counters[FAILED] += 1
            self._last_error = failed
            return True
        return False

    def settle(self, permit: Permit, outcome: Outcome, returned_or_raised: object = None) -> None:
        """Settle a permit; a second settling does nothing. ``returned_or_raised`` was returned or raised, where that is known.

        A success is counted without the lock, where it may be, by ``Permit.succeed``.
        """
        with self._lock:
            if self._busy:
                self._defer(permit, outcome, returned_or_raised)
                return
            self._busy = True
            try:
                if permit.outcome is None:
                    read = self.read
                    now = read() * self.scale
                    generation = permit.generation
                    is_recorded = generation.admits and generation is self.generation and self.config.mode != "Disabled"
                    if outcome == "failure" and is_recorded:
                        self._settle_failure(permit, now, returned_or_raised)
                    else:
                        self._settle_general(permit, outcome, now, returned_or_raised)
            finally:
                if self._deferred is None:
                    self._busy = False
                else:
                    self._end_operation()
        if self._pending_events is not None:
            self.notify_listeners()

    @exclusive
    def time_out(self, permit: Permit, at: float, error: BaseException) -> None:
        """Settle a permit as a failure as of the moment at which its call was due, which somebody noticed now."""
        if permit.outcome is None:
            self._settle_general(permit, "failure", min(max(at, self._state.since), self._now()), error)

    def _settle_general(self, permit: Permit, outcome: Outcome, now: float, returned_or_raised: object) -> None:
        permit.outcome = outcome
        took = now - permit.started_at
        self.counters[0 if took < FIRST_BUCKET_MS else latency_bucket(took)] += 1
        slow = self.config.slow_ms != 0 and outcome != "ignored" and self._is_slow(permit, now)
        if slow:
            self.counters[SLOW] += 1
        if outcome == "failure":
            self.counters[FAILED] += 1
        elif outcome == "ignored":
            self.counters[IGNORED] += 1
        if permit.generation is not self.generation:
            return
        if outcome == "failure":
            self._last_error = described(returned_or_raised)
        if type(self._state) is Closed:
            if self.config.mode != "Disabled":
                if self.generation.fast_path_until != NEVER:
                    self._stop_fast_path()
                self._record(permit, outcome, slow, now)
                if (
                    not self._evaluate(now, returned_or_raised if outcome == "failure" else None)
                    and self._in_flight is not None
                ):
                    self._watch_stalls(now)
                if outcome != "failure":
                    self._start_fast_path(is_evaluated=True)
        else:
            self._settle_half_open(permit, outcome, slow, now, returned_or_raised)

    def _settle_failure(self, permit: Permit, now: float, returned_or_raised: object) -> None:
        """``_settle_general`` for a failure of a closed circuit that watches no slow calls."""
        permit.outcome = "failure"
        took = now - permit.started_at
        counters = self.counters
        counters[0 if took < FIRST_BUCKET_MS else latency_bucket(took)] += 1
        counters[FAILED] += 1
        self._last_error = described(returned_or_raised)
        if permit.generation.fast_path_until != NEVER:
            self._stop_fast_path()
        self._consecutive_failures = consecutive = self._consecutive_failures + 1
        window = self._window
        window.record(now, True, False)
        config = self.config
        if (
            consecutive >= config.consecutive_from
            or window.failures >= config.failures_from
            or window.calls >= config.rates_from
            or self._history.forced is not None
        ):
            self._evaluate(now, returned_or_raised)

    @exclusive
    def pause(self, permit: Permit) -> None:
        """The call of an unsettled permit waits before it begins: until ``begin``, which has to follow, it is not under way."""
        if (
            permit.generation is self.generation
            and not isinstance(self._state, Probing)
            and self._in_flight is not None
        ):
            self._in_flight.end(permit.started_at)

    @exclusive
    def begin(self, permit: Permit) -> None:
        """The call of a paused permit begins now, and its time counts from here."""
        now = self._now()
        state = self._state
        if permit.generation is self.generation:
            if not isinstance(state, Probing):
                if self._in_flight is not None:
                    self._in_flight.begin(now)
            elif permit in state.probes:
                # A probe takes up its slot while it waits, and probes are kept by their beginning.
                del state.probes[permit]
                state.probes[permit] = None
                if self._in_flight is not None:
                    self._in_flight.end(permit.started_at)
                    self._in_flight.begin(now)
        permit.started_at = now

    # What others decide

    @exclusive
    def set_plain(self, is_plain: bool) -> None:
        """Say whether nothing is around a call but this circuit."""
        self.is_plain = is_plain
        self._update_admission()

    @exclusive
    def configure(self, config: Config, reset: bool) -> None:
        """Put the breaker under another configuration.

        State and samples stay, unless ``reset`` asks for a closed and empty breaker. Disabled is always closed and empty, when
        it begins and when it ends. A forced state stays in any case.
        """
        now = self._expire_deadlines(self._now())
        self._stop_fast_path()
        before = self.config
        self.config = config
        self._window = window_for(config, self._window, now)
        if not config.counts_slow:
            self._in_flight = None
        elif self._in_flight is None or self._in_flight.slow_ms != config.slow_ms:
            # Calls that are under way are not known by when they began; they are evaluated when they end.
            self._in_flight = InFlight(config.slow_ms, now)
            self._in_flight.forget(now)
        self._update_admission()
        if reset:
            self._reset_to_closed(now, "policy-reset")
        elif before.mode != config.mode and "Disabled" in (before.mode, config.mode):
            self._reset_to_closed(now, "policy-disabled")
        state = self._state
        if isinstance(state, Open):
            if self._history.forced is None and state.jitter is None:
                state.jitter = self._draw_jitter()
            self._set_open_until(state)
        self._expire_deadlines(now, now)
        self._evaluate_last_probes(now)
        self._start_fast_path()

    @exclusive
    def force_open(self, ms: float, reason: str, override: OverrideRef | None = None) -> None:
        """Open the circuit for ``ms``, in every mode; then it is half-open, or closed where the mode is Disabled.

        While an override holds the circuit, only another override does anything.
        """
        now = self._expire_deadlines_now()
        if not self._force(Forced("open", now + ms, reason, override)):
            return
        if isinstance(self._state, Open):
            self._set_open_until(self._state)
            self._start_fast_path()
            return
        self._history = replace(self._history, reopenings=NOT_AN_OPENING)
        self._transition(Open(now, 0, None), "forced-open", forced_detail(reason, override))

    @exclusive
    def force_closed(self, ms: float, reason: str, override: OverrideRef | None = None) -> None:
        """Close the circuit for ``ms``: calls are recorded and no condition opens it; then the conditions apply again."""
        now = self._expire_deadlines_now()
        if not self._force(Forced("closed", now + ms, reason, override)):
            return
        if type(self._state) is not Closed:
            self._transition(Closed(now), "forced-closed", forced_detail(reason, override))
        self._start_fast_path()

    @exclusive
    def release(self) -> None:
        """End what an override forced, as if its time were over."""
        now = self._expire_deadlines_now()
        forced = self._history.forced
        if forced is None or forced.override is None:
            return
        self._stop_fast_path()
        self._history = replace(self._history, forced=replace(forced, until=now))
        if isinstance(self._state, Open):
            self._set_open_until(self._state)
        self._expire_deadlines_now()
        self._start_fast_path()

    @exclusive
    def reset(self, why: str | None = None) -> None:
        """End a forced state and start closed and empty, unless an override holds the circuit. The totals stay."""
        now = self._expire_deadlines_now()
        forced = self._history.forced
        if forced is not None and forced.override is not None:
            return
        self._history = replace(self._history, forced=None)
        self._reset_to_closed(now, "manual-reset", why)
        self._start_fast_path()

    def after_fork(self, on_first_call: Callable[[], None] | None) -> None:
        """Start counting for a child process: totals of zero and nothing under way; the state stays."""
        self._on_first_call = on_first_call
        self._reset_operations()
        self._reset_counters()

    @exclusive
    def _reset_counters(self) -> None:
        self._stop_fast_path()
        self.counters = [0] * COUNTERS
        self.permits = 0
        self._begin_generation()
        if isinstance(self._state, Probing):
            self._state.probes.clear()
            self._evaluate_last_probes(self._now())
        self._start_fast_path()

    # The caller holds the lock

    def _settle_unsettled(self, permit: Permit, outcome: Outcome, returned_or_raised: object) -> None:
        if permit.outcome is None:
            self._settle_general(permit, outcome, self._now(), returned_or_raised)

    def _now(self) -> float:
        return self.read() * self.scale

    def _start_fast_path(self, is_evaluated: bool = False) -> None:
        """Let successes and rejections be counted without the lock, while they cannot change the state.

        ``is_evaluated``: the conditions were evaluated just now, and none holds.
        """
        generation = self.generation
        if not self._has_fast_path or generation.fast_path_until != NEVER:
            return
        if not generation.admits:
            state = self._state
            if type(state) is Open and self.config.mode != "Shadow" and self._on_first_call is None:
                generation.rejects_until = state.until
            return
        if self.config.mode == "Disabled":
            if self.config.slow_ms == 0:
                generation.fast_path_until = math.inf
            return
        window = self._window
        if self._consecutive_failures != 0 or window.slow != 0:
            return
        if window.failures != 0:
            # A further success lowers the rate of failures, once there are ``minimumCalls``.
            enough = self.config.failure_rate_percent == 0 or window.calls >= self.config.minimum_calls
            if not is_evaluated or type(window) is CountWindow or self._history.forced is not None or not enough:
                return
        generation.calls = window.calls
        generation.fast_path_until = window.steady_until

    def _stop_fast_path(self) -> None:
        generation = self.generation
        generation.rejects_until = NEVER
        if generation.fast_path_until == NEVER:
            return
        generation.fast_path_until = NEVER
        if self.config.mode != "Disabled":
            self._window.absorb(generation.calls)

    def _begin_generation(self) -> None:
        """Begin a generation, so that outcomes of earlier ones change no state."""
        self._stop_fast_path()
        self.generation = self._new_generation()
        if self._in_flight is not None:
            self._in_flight.clear()

    def _new_generation(self) -> Generation:
        is_quick = type(self._state) is Closed and self._in_flight is None and self._on_first_call is None
        return Generation(is_quick, is_quick and self.is_plain)

    def _update_admission(self) -> None:
        made = self._new_generation()
        self.generation.admits, self.generation.is_plain = made.admits, made.is_plain

    def _evaluate_overdue(self, now: float) -> None:
        """Calls that hang end too late to be evaluated by their ends alone."""
        if isinstance(self._state, Open | Probing):
            return
        self._window.advance(now)
        if not self._evaluate(now, None):
            self._watch_stalls(now)

    def _watch_stalls(self, now: float) -> None:
        in_flight = self._in_flight
        if in_flight is not None and type(self._state) is Closed:
            self.environment.stalls.watch(now + STALL_WATCH_FACTOR * self.config.slow_ms)

    def _admits(self, now: float) -> bool:
        state = self._state
        if isinstance(state, Ramping):
            return ramp_admits(state, self.config, now, self.environment.random)
        if isinstance(state, Probing):
            return can_probe(state, self.config)
        return type(state) is Closed

    @property
    def rejects_all(self) -> bool:
        """Whether every call is rejected now: the circuit is open, and not only in mode Shadow."""
        return self.state == "open" and not self._is_shadow

    @property
    def _is_shadow(self) -> bool:
        """Whether what the circuit decides has no effect: mode Shadow, unless the state is forced."""
        return self.config.mode == "Shadow" and self._history.forced is None

    def _reject(self, now: float) -> Permit | None:
        if self._is_shadow:
            self.counters[SHADOW_REJECTED] += 1
            self.permits += 1
            return permit_of(self, NO_GENERATION, now)
        self.counters[REJECTED] += 1
        return None

    def _admit(self, now: float) -> Permit:
        if self._in_flight is not None:
            self._in_flight.begin(now)
            self.environment.stalls.watch(now + STALL_WATCH_FACTOR * self.config.slow_ms)
        self.permits += 1
        permit = permit_of(self, self.generation, now)
        if isinstance(self._state, Probing):
            self._state.probes[permit] = None
        return permit

    def _is_slow(self, permit: Permit, now: float) -> bool:
        slow_ms = self.config.slow_ms
        if slow_ms == 0 or now - permit.started_at <= slow_ms:
            return False
        return permit.started_at >= self.environment.stalls.stall_ended_at()

    def _record(self, permit: Permit, outcome: Outcome, slow: bool, now: float) -> None:
        if self._in_flight is not None:
            self._in_flight.end(permit.started_at)
        if outcome == "ignored":
            self._window.advance(now)
            return
        failed = outcome == "failure"
        self._consecutive_failures = self._consecutive_failures + 1 if failed else 0
        self._window.record(now, failed, slow)

    def _evaluate(self, now: float, returned_or_raised: object) -> bool:
        """Open the circuit when a condition holds, and say whether it did.

        ``returned_or_raised`` is what a failure returned or raised, which may ask for a time to stay away.
        """
        window = self._window
        if window.failures == 0 and window.slow == 0 and self._consecutive_failures == 0 and self._in_flight is None:
            return False
        forced = self._history.forced
        if forced is not None:
            if now < forced.until:
                return False
            self._history = replace(self._history, forced=None)
        config = self.config
        reason = tripped_by_number(config, window.failures, self._consecutive_failures)
        if reason is None and (config.failure_rate_percent != 0 or config.slow_rate_percent != 0):
            reason = tripped_by_rate(config, window, self._overdue(now), config.minimum_calls)
        if reason is None:
            return False
        self._open(now, reason, returned_or_raised)
        return True

    def _overdue(self, now: float) -> int:
        """Calls under way that are slow already."""
        in_flight = self._in_flight
        if in_flight is None:
            return 0
        in_flight.advance(now)
        if in_flight.overdue > 0:
            in_flight.forget(self.environment.stalls.stall_ended_at())
        return in_flight.overdue

    def _settle_half_open(
        self, permit: Permit, outcome: Outcome, slow: bool, now: float, returned_or_raised: object
    ) -> None:
        self._expire_deadlines(now)
        state = self._state
        if permit.generation is not self.generation:
            return
        if isinstance(state, Ramping):
            self._record(permit, outcome, slow, now)
            if outcome == "success":
                state.succeeded = True
            if self._evaluate(now, returned_or_raised if outcome == "failure" else None):
                return
            if is_ramp_over(state, self.config, now):
                self._transition(Closed(now), "ramp-over")
        elif isinstance(state, Probing) and permit in state.probes:
            del state.probes[permit]
            if self._in_flight is not None:
                self._in_flight.end(permit.started_at)
            if outcome == "ignored":
                self._evaluate_last_probes(now)
            else:
                self._count_probe(state, outcome == "failure", slow, now, "probe-failed", returned_or_raised)

    def _count_probe(
        self, state: Probing, failed: bool, slow: bool, now: float, reason: Reason, returned_or_raised: object = None
    ) -> None:
        """``reason`` is why the circuit opens if this probe alone opens it."""
        decision = record_probe(state, self.config, failed, slow, reason, lambda: self._overdue(now))
        self._end_half_open(decision, now, returned_or_raised if failed else None)

    def _end_half_open(self, decision: Decision | None, now: float, returned_or_raised: object = None) -> None:
        if decision is None:
            return
        if decision.to == "open":
            self._open(now, decision.reason, returned_or_raised)
        else:
            self._transition(Closed(now), decision.reason)

    def _evaluate_last_probes(self, now: float) -> None:
        """Once an edit has left no probe to come, the circuit must not stay half-open for ever."""
        state = self._state
        if isinstance(state, Probing) and self.config.evaluate == "FailureRate":
            if not state.probes and not can_probe(state, self.config):
                self._end_half_open(evaluate_probes(state, self.config, lambda: self._overdue(now)), now)

    def _force(self, forced: Forced) -> bool:
        held = self._history.forced
        if forced.override is None and held is not None and held.override is not None:
            return False
        self._stop_fast_path()
        self._history = replace(self._history, forced=forced)
        return True

    def _reset_to_closed(self, now: float, reason: Reason, why: str | None = None) -> None:
        self._history = replace(self._history, last_open_ms=0)
        if type(self._state) is not Closed and self._history.forced is None:
            self._transition(Closed(now), reason, why)
            return
        self._begin_generation()
        self._empty()

    def _empty(self) -> None:
        self._window.clear()
        self._consecutive_failures = 0

    def _expire_deadlines_now(self) -> float:
        return self._expire_deadlines(self._now())

    def _expire_deadlines(self, now: float, not_before: float = -math.inf) -> float:
        """Make the changes of state that time alone brings up to ``now``, and return it.

        Each as of the moment at which it was due but not before ``not_before``: an edit that shortens a time does not change
        what was.
        """
        while True:
            state = self._state
            if isinstance(state, Open):
                if state.until > now:
                    return now
                self._end_open(state, max(state.until, not_before))
            elif isinstance(state, Probing) and state.probes:
                oldest = next(iter(state.probes))
                due = oldest.started_at + self.config.probe_timeout_ms
                if due > now:
                    return now
                del state.probes[oldest]
                if self._in_flight is not None:
                    self._in_flight.end(oldest.started_at)
                self._count_probe(state, True, self._is_slow(oldest, due), max(due, not_before), "probe-timeout")
            else:
                forced = self._history.forced
                if type(state) is Closed and forced is not None and forced.until <= now:
                    self._history = replace(self._history, forced=None)
                return now

    def _end_open(self, state: Open, since: float) -> None:
        reason: Reason = "open-duration-over" if self._history.forced is None else "force-over"
        self._history = replace(self._history, forced=None, last_open_ms=since - state.since)
        if self.config.mode == "Disabled":
            self._transition(Closed(since), reason)
        else:
            self._transition(begin_half_open(self.config, since), reason)

    def _set_open_until(self, state: Open) -> None:
        forced = self._history.forced
        if forced is not None:
            state.until = forced.until
        else:
            state.until = state.since + open_time_ms(self.config, state, self._history.reopenings)

    def _open(self, now: float, reason: Reason, returned_or_raised: object) -> None:
        history = self._history
        starts_over = type(self._state) is Closed and now - self._state.since >= history.last_open_ms
        self._history = replace(history, reopenings=0 if starts_over else history.reopenings + 1)
        asked = retry_after_ms(returned_or_raised, self.environment.wall_now) if self.config.honor_retry_after else 0
        self._transition(Open(now, asked, self._draw_jitter()), reason)

    def _draw_jitter(self) -> float | None:
        return None if self.config.jitter_percent == 0 else self.environment.random()

    def _transition(self, to: StateRecord, reason: Reason, why: str | None = None) -> None:
        """The only place where the state changes."""
        failed = self._last_error if reason in BY_FAILURES else None
        last_error = None if failed is None else LastError(*failed)
        event = TransitionEvent(self._state.kind, to.kind, to.since, reason, why, last_error=last_error)
        if type(to) is Closed:
            self._last_error = None
        if isinstance(to, Open):
            self._set_open_until(to)
        self._stop_fast_path()
        self._state = to
        self._begin_generation()
        if isinstance(to, Closed | Ramping):
            self._empty()
        self._start_fast_path()
        self._announce(event)
