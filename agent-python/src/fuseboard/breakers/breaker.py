"""The breaker that code holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Final, TypeVar, overload

from ..call.async_call import call_async
from ..call.block import begin_block, end_block
from ..call.decorated import decorate
from ..call.enter import AnyPermit, enter, enter_or_raise
from ..call.fallback import Fallback, PolicyFallback
from ..call.sync_call import call_sync
from ..call.wrong_call import refuse_wrong_call
from ..core.config.config import Mode
from ..core.config.duration import MAX_DURATION_MS, MIN_DURATION_MS, parse_duration
from ..core.config.guard import GuardField
from ..core.counters import REJECTED, Totals
from ..core.exclusive import has_gil
from ..core.outcomes.last_error import LastError
from ..core.permit import Permit
from ..core.state import State, TransitionEvent
from ..core.text import utf16_length
from ..errors import ConfigError
from .governed_breaker import GovernedBreaker
from .governor import Source
from .policy_set import Policy

T = TypeVar("T")
A = TypeVar("A")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class ForcedState:
    """A state that somebody holds a breaker in."""

    state: State
    reason: str
    ends_in: float
    """Seconds until it ends by itself."""
    override: str | None = None
    """The name of the CircuitBreakerOverride that does. ``None``: the code of this process."""


@dataclass(frozen=True)
class BreakerStats:
    """The state, the configuration and the counts of a breaker."""

    state: State
    mode: Mode
    source: Source
    policy_uid: str | None
    """The policy that governs; ``None`` when none does."""
    since: float
    """How long the state has lasted, in seconds."""
    totals: Totals
    """What was counted since the breaker was made, by all its keys together; never runs backwards."""
    latency: list[int]
    """How many calls took how long: bucket i counts those under 2^i x 0.125 ms that no smaller bucket counts."""
    window: dict[str, float]
    """``calls``, ``failures`` and ``slow`` that the conditions of the policy look at."""
    forced: ForcedState | None
    consecutive_failures: int
    last_error: LastError | None
    """What the last failure was. ``None``: there was none since the circuit last closed, or that is not known."""
    retry_after: float
    """How long until an open circuit lets a probe through, in seconds; 0 in any other state."""
    guarded_by: tuple[GuardField, ...] = ()
    """The fields of the service's guard that change what the policy or an override says for this breaker."""


class _Blocks(Enum):
    SEVERAL = "several"


_SEVERAL: Final = _Blocks.SEVERAL


class Breaker:
    """A circuit breaker. The handle stays valid whatever policy governs it, now and later.

    It decorates functions, methods, generators and their async forms, and is a context manager for blocks, sync and async.
    Everything may be used from any thread and any event loop.
    """

    __slots__ = ("_block", "_breaker", "_circuit", "_first_block", "_more_blocks", "name")

    def __init__(self, breaker: GovernedBreaker) -> None:
        self.name = breaker.name
        self._breaker = breaker
        self._circuit = breaker.circuit
        self._block: AnyPermit | _Blocks | None = None if has_gil() else _SEVERAL
        """The permit of the only block under way, whose context need not be known. Without the GIL there are always several."""
        self._first_block: AnyPermit | None = None
        """Among several, the block that was the only one when it began."""
        self._more_blocks = 0 if has_gil() else 1 << 60
        """How many blocks there are beside that one."""

    key: str | None = None
    """The key of a breaker from ``for_key``; ``None`` for the breaker itself. ``*`` stands for all keys that share one."""

    def _current(self) -> GovernedBreaker:
        return self._breaker

    @property
    def state(self) -> State:
        """The state now: ``closed``, ``open`` or ``half-open``."""
        return self._current().state

    @property
    def source(self) -> Source:
        """Where its configuration comes from now: a ``policy``, the ``defaults`` of code, or ``none``."""
        return self._breaker.source

    @property
    def policy(self) -> Policy | None:
        """The policy that governs now; ``None`` while the defaults of the code do, or nothing."""
        return self._breaker.policy

    def stats(self) -> BreakerStats:
        """Its state, its configuration and its counts."""
        breaker = self._current()
        circuit = breaker.circuit
        held = circuit.forced
        forced = None
        if held is not None:
            by = held[0].override
            forced = ForcedState(held[0].state, held[0].reason, held[1] / 1_000, None if by is None else by.name)
        return BreakerStats(
            state=breaker.state,
            mode=breaker.mode,
            source=breaker.source,
            policy_uid=breaker.policy_uid,
            since=breaker.since_ms / 1_000,
            totals=breaker.totals,
            latency=breaker.latency,
            window=circuit.window,
            forced=forced,
            consecutive_failures=circuit.consecutive_failures,
            last_error=circuit.last_error,
            retry_after=circuit.retry_after_ms / 1_000,
            guarded_by=breaker.guarded_by,
        )

    def __call__(self, fn: F) -> F:
        """Decorate a function: each call passes the breaker. A generator is one call, settled at its end.

        Raises ``TypeError`` for what is no function.
        """
        if not callable(fn) and not isinstance(fn, classmethod):
            hint = ", the function of the property" if isinstance(fn, property) else ""
            raise TypeError(f'breaker "{self.name}" decorates functions{hint}; it was given {fn!r}')
        made: F = decorate(self._current, fn, self.key is not None)
        return made

    @overload
    def call(
        self,
        fn: Callable[..., T],
        /,
        *args: Any,
        fallback: Callable[[Any], A],
        policy_fallback: PolicyFallback | None = None,
        retry: bool = True,
        **kwargs: Any,
    ) -> T | A: ...
    @overload
    def call(
        self,
        fn: Callable[..., T],
        /,
        *args: Any,
        fallback: None = None,
        policy_fallback: PolicyFallback | None = None,
        retry: bool = True,
        **kwargs: Any,
    ) -> T: ...
    def call(
        self,
        fn: Callable[..., Any],
        /,
        *args: Any,
        fallback: Fallback | None = None,
        policy_fallback: PolicyFallback | None = None,
        retry: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Call a synchronous function.

        Raises what the function raises, or a ``CircuitOpenError`` or ``LimitedError`` without a call. ``fallback`` answers
        instead of any error, and instead of a result that the policy counts as a failure, which it is called with.
        ``policy_fallback`` lets the fallback of the policy answer; the one in code wins. ``retry``: whether the retries of the
        policy apply; ``False`` for a call that must not be repeated. A time limit cannot interrupt the function: see
        ``time_left``. Raises ``TypeError`` for arguments that cannot be meant, such as a fallback that is no function or is async.
        """
        refuse_wrong_call("call", self.name, fn, fallback, policy_fallback, retry)
        return call_sync(self._current(), lambda: fn(*args, **kwargs), fallback, policy_fallback, retry)

    @overload
    async def call_async(
        self,
        fn: Callable[..., Awaitable[T]],
        /,
        *args: Any,
        fallback: Callable[[Any], Awaitable[A]],
        policy_fallback: PolicyFallback | None = None,
        retry: bool = True,
        **kwargs: Any,
    ) -> T | A: ...
    @overload
    async def call_async(
        self,
        fn: Callable[..., Awaitable[T]],
        /,
        *args: Any,
        fallback: Callable[[Any], A],
        policy_fallback: PolicyFallback | None = None,
        retry: bool = True,
        **kwargs: Any,
    ) -> T | A: ...
    @overload
    async def call_async(
        self,
        fn: Callable[..., Awaitable[T]],
        /,
        *args: Any,
        fallback: None = None,
        policy_fallback: PolicyFallback | None = None,
        retry: bool = True,
        **kwargs: Any,
    ) -> T: ...
    async def call_async(
        self,
        fn: Callable[..., Awaitable[Any]],
        /,
        *args: Any,
        fallback: Fallback | None = None,
        policy_fallback: PolicyFallback | None = None,
        retry: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Call a function and await what it returns; as ``call``, and a ``CallTimeoutError`` after the policy's time limit.

        A fallback may be async too. A cancellation of the caller is no outcome: it is ignored, and no fallback answers it.
        """
        refuse_wrong_call("call_async", self.name, fn, fallback, policy_fallback, retry)
        return await call_async(self._current(), lambda: fn(*args, **kwargs), fallback, policy_fallback, retry)

    def enter(self) -> AnyPermit | None:
        """Ask for permission to make a call by other means; ``None`` is a rejection. No time limit applies.

        Settle the permit once: ``succeed()``, ``fail(error)`` or ``ignore()``; it is a context manager too.
        """
        circuit = self._circuit
        generation = circuit.generation
        if not generation.is_plain:
            if not circuit.is_plain:
                return enter(self._breaker)
            read = circuit.read
            now = read() * circuit.scale
            # Up to the return no other thread runs in between: see ``Generation``.
            if now < generation.rejects_until:
                circuit.counters[REJECTED] += 1
                return None
            return circuit.enter()
        circuit.permits += 1
        permit = Permit()
        permit.circuit = circuit
        permit.generation = generation
        permit.outcome = None
        read = circuit.read
        permit.started_at = read() * circuit.scale
        return permit

    def __enter__(self) -> AnyPermit:
        """Begin a call that ends with the block; raises ``CircuitOpenError`` or ``LimitedError`` where there is none."""
        circuit = self._circuit
        generation = circuit.generation
        if not generation.is_plain:
            return self._begin_block(enter_or_raise(self._breaker))
        circuit.permits += 1
        permit = Permit()
        permit.circuit = circuit
        permit.generation = generation
        permit.outcome = None
        read = circuit.read
        permit.started_at = read() * circuit.scale
        # From here to the return nothing calls, so that no other thread runs in between.
        if self._block is None:
            self._block = permit
            return permit
        return self._begin_block(permit)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        permit = self._block
        if permit is not None and permit is not _SEVERAL:
            self._block = None
        else:
            permit = self._end_block()
            if permit is None:
                return
        if error is None:
            permit.succeed()
        else:
            permit.fail(error)

    def _begin_block(self, permit: AnyPermit) -> AnyPermit:
        # No other thread runs between the lines of one branch. From the count on, no thread ends the state of several.
        if self._block is None:
            self._block = permit
            return permit
        self._more_blocks += 1
        if self._block is not _SEVERAL:
            self._first_block, self._block = self._block, _SEVERAL
        begin_block(self, permit)
        return permit

    def _end_block(self) -> AnyPermit | None:
        permit = end_block(self)
        # No other thread runs between the lines of one branch.
        if permit is None:
            permit, self._first_block = self._first_block, None
            return permit
        self._more_blocks -= 1
        if self._more_blocks == 0:
            self._block, self._first_block = self._first_block, None
        return permit

    async def __aenter__(self) -> AnyPermit:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def for_key(self, key: str) -> Breaker:
        """The breaker of one key, such as a host: all as for a breaker of its own under the same policy.

        A key whose circuit is closed leaves when it was not used for a while; when there are more keys than the policy
        allows, and for keys of more than 256 characters, one breaker is shared. Raises ``ConfigError`` when the key is no
        string.
        """
        if not isinstance(key, str):
            message = f'key of breaker "{self.name}" must be a string, got {type(key).__name__}'
            raise ConfigError(self.name, 0, message)
        return KeyedBreaker(self._breaker, key)

    def force_open(self, reason: str, duration: float | str) -> None:
        """Open the circuit, in this process only, whatever its policy and mode.

        ``duration`` is in seconds, or a text such as ``10m``; from 1 ms to 24 h. It ends by itself: then the circuit is
        half-open (closed where the mode is Disabled). No edit of the policy ends it; ``reset`` does, and forcing again replaces
        it. While an override of the cluster holds the breaker this does nothing. Raises ``ConfigError`` for a duration or a
        reason (1 to 256 characters) that cannot be used.
        """
        self._current().circuit.force_open(self._force_ms("force_open", duration, reason), reason)

    def force_closed(self, reason: str, duration: float | str) -> None:
        """Close the circuit, in this process only: calls pass and are recorded, and no condition opens it.

        As ``force_open``; when it ends, the conditions are evaluated again from the next outcome, by all that was recorded.
        """
        self._current().circuit.force_closed(self._force_ms("force_closed", duration, reason), reason)

    def reset(self) -> None:
        """End a forced state and start closed and empty, in this process only; not while an override holds the breaker.

        What was counted stays.
        """
        self._current().circuit.reset()

    def on(self, event: str, listener: Callable[[TransitionEvent], None]) -> Callable[[], None]:
        """Call a listener with each ``transition``, those of its keys too, in their order, after each has happened.

        A listener that raises is reported as a warning. Returns a function that ends the subscription; raises ``ValueError``
        for any other event, ``TypeError`` when the listener is no function.
        """
        if event != "transition":
            raise ValueError(f'a breaker has no event "{event}"; it has "transition"')
        if not callable(listener):
            raise TypeError(f'on of breaker "{self.name}" needs a listener, a function, got {listener!r}')
        return self._current().listen(listener)

    def __repr__(self) -> str:
        key = "" if self.key is None else f", key={self.key!r}"
        return f"<Breaker {self.name!r}{key}>"

    def _force_ms(self, method: str, duration: float | str, reason: str) -> float:
        ms: float | None
        if isinstance(duration, int | float) and not isinstance(duration, bool):
            ms = duration * 1_000
            ms = ms if MIN_DURATION_MS <= ms <= MAX_DURATION_MS else None
        else:
            ms = parse_duration(duration)
        if ms is None:
            wanted = "a duration: seconds, or a string such as 10m, from 1 ms to 24 h"
        elif not isinstance(reason, str) or not 1 <= utf16_length(reason) <= 256:
            wanted = "a reason of 1 to 256 characters"
        else:
            return ms
        raise ConfigError(self.name, 0, f'breaker "{self.name}" cannot {method}; give {wanted}')


class KeyedBreaker(Breaker):
    """The handle of one key. It stays valid when the key's breaker leaves for want of use: the next use makes a new one."""

    __slots__ = ("key",)

    def __init__(self, breaker: GovernedBreaker, key: str) -> None:
        super().__init__(breaker)
        self.key = key

    def _current(self) -> GovernedBreaker:
        return self._breaker.by_key().use(self.key or "")

    def enter(self) -> AnyPermit | None:
        return enter(self._current())

    def __enter__(self) -> AnyPermit:
        return self._begin_block(enter_or_raise(self._current()))
