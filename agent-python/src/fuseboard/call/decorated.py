"""Functions that are always called through a breaker."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from typing import TYPE_CHECKING, Any

from ..core.counters import REJECTED
from ..core.outcomes.outcome_facts import PLAIN_TYPES
from ..core.permit import permit_of
from ..core.windows.histogram import FIRST_BUCKET_MS, latency_bucket
from ..errors import CallTimeoutError, CircuitOpenError
from .async_call import call_async
from .enter import enter_or_raise
from .probe_scope import current_probes, is_part_of_probe
from .response import discard_async
from .sync_call import call_sync, refuse_awaitable
from .timed_call import begin_timed

if TYPE_CHECKING:
    from ..breakers.governed_breaker import GovernedBreaker

BreakerOf = Callable[[], "GovernedBreaker"]


def decorate(breaker_of: BreakerOf, fn: Any, moves: bool = False) -> Any:
    """The same function, called through the breaker: synchronous, async, a generator or an async generator.

    ``moves``: it may be another breaker with each call.
    """
    if isinstance(fn, staticmethod | classmethod):
        return type(fn)(decorate(breaker_of, fn.__func__, moves))
    kind = fn if inspect.isroutine(fn) or isinstance(fn, functools.partial) else getattr(type(fn), "__call__", fn)
    if inspect.isasyncgenfunction(kind):
        made: Any = _async_generator(breaker_of, fn)
    elif inspect.iscoroutinefunction(kind):
        made = _moving_coroutine(breaker_of, fn) if moves else _coroutine(breaker_of(), fn)
    elif inspect.isgeneratorfunction(kind):
        made = _generator(breaker_of, fn)
    else:
        made = _moving_function(breaker_of, fn) if moves else _function(breaker_of(), fn)
    return functools.update_wrapper(made, fn)


def _moving_function(breaker_of: BreakerOf, fn: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return _function(breaker_of(), fn)(*args, **kwargs)

    return call


def _moving_coroutine(breaker_of: BreakerOf, fn: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        return await _coroutine(breaker_of(), fn)(*args, **kwargs)

    return call


def _function(breaker: GovernedBreaker, fn: Callable[..., Any]) -> Callable[..., Any]:
    circuit = breaker.circuit
    read, scale = breaker.environment.read, breaker.environment.scale
    name, key, new_error = breaker.name, breaker.key, CircuitOpenError.__new__

    def call(*args: Any, **kwargs: Any) -> Any:
        generation = circuit.generation
        if not generation.is_plain:
            now = read() * scale
            # Up to the next function call no other thread runs: see ``Generation``.
            until = generation.rejects_until
            if now < until:
                circuit.counters[REJECTED] += 1
                if current_probes() is not None and is_part_of_probe(breaker):
                    return fn(*args, **kwargs)
                # ``circuit_open`` inlined, so that a rejection costs little.
                raise new_error(CircuitOpenError, name, (until - now) / 1_000, "", key)
            # A lambda would make each call keep its arguments in cells.
            return call_sync(breaker, functools.partial(fn, *args, **kwargs), None, None)
        circuit.permits += 1
        started_at = read() * scale
        try:
            result = fn(*args, **kwargs) if kwargs else fn(*args)
        except BaseException as error:
            if not circuit.count_failure(generation, started_at, error):
                circuit.settle_error(permit_of(circuit, generation, started_at), error)
            raise
        if result is not None and type(result) not in PLAIN_TYPES:
            permit = permit_of(circuit, generation, started_at)
            if hasattr(result, "__await__"):
                refuse_awaitable(breaker.name, permit.ignore, result)
            circuit.settle_result(permit, result)
            return result
        now = read() * scale
        took = now - started_at
        bucket = 0 if took < FIRST_BUCKET_MS else latency_bucket(took)
        # Up to the return no other thread runs in between: see ``Generation``.
        if now < generation.fast_path_until:
            generation.calls += 1
            circuit.counters[bucket] += 1
            return result
        circuit.settle(permit_of(circuit, generation, started_at), "success", result)
        return result

    return call


def _coroutine(breaker: GovernedBreaker, fn: Callable[..., Any]) -> Callable[..., Any]:
    circuit = breaker.circuit
    read, scale = breaker.environment.read, breaker.environment.scale

    async def call(*args: Any, **kwargs: Any) -> Any:
        generation = circuit.generation
        if not generation.is_plain:
            limit_ms = circuit.config.timeout_ms
            if limit_ms != 0 and generation.admits and breaker.layers is None:
                timed = begin_timed(breaker, generation, limit_ms)
                try:
                    result = await fn(*args, **kwargs) if kwargs else await fn(*args)
                except BaseException as error:
                    timed.end(None, error)
                    raise
                try:
                    timed.end(result, None)
                except CallTimeoutError:
                    await discard_async(result)
                    raise
                return result
            return await call_async(breaker, functools.partial(fn, *args, **kwargs), None, None)
        circuit.permits += 1
        started_at = read() * scale
        try:
            result = await fn(*args, **kwargs) if kwargs else await fn(*args)
        except BaseException as error:
            if not circuit.count_failure(generation, started_at, error):
                circuit.settle_error(permit_of(circuit, generation, started_at), error)
            raise
        if result is not None and type(result) not in PLAIN_TYPES:
            circuit.settle_result(permit_of(circuit, generation, started_at), result)
            return result
        now = read() * scale
        took = now - started_at
        bucket = 0 if took < FIRST_BUCKET_MS else latency_bucket(took)
        # Up to the return no other thread runs in between: see ``Generation``.
        if now < generation.fast_path_until:
            generation.calls += 1
            circuit.counters[bucket] += 1
            return result
        circuit.settle(permit_of(circuit, generation, started_at), "success", result)
        return result

    return call


def _generator(breaker_of: BreakerOf, fn: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        permit = enter_or_raise(breaker_of())
        try:
            result = yield from fn(*args, **kwargs)
        except BaseException as error:
            permit.fail(error)
            raise
        permit.succeed()
        return result

    return call


def _async_generator(breaker_of: BreakerOf, fn: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        permit = enter_or_raise(breaker_of())
        inner = fn(*args, **kwargs)
        try:
            item = await anext(inner)
            while True:
                try:
                    sent = yield item
                except GeneratorExit:
                    await inner.aclose()
                    raise
                except BaseException as error:
                    item = await inner.athrow(error)
                else:
                    item = await inner.asend(sent)
        except StopAsyncIteration:
            permit.succeed()
        except BaseException as error:
            permit.fail(error)
            raise

    return call
