"""Functions that are always called through a circuit."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from typing import TYPE_CHECKING, Any

from ..core.counters import REJECTED
from ..core.histogram import latency_bucket
from ..core.outcome_facts import PLAIN_TYPES
from ..core.permit import permit_of
from ..errors import circuit_open
from .async_call import call_async, call_timed
from .enter import enter_or_raise
from .probe_scope import is_part_of_probe, probes
from .sync_call import call_sync, refuse_awaitable

if TYPE_CHECKING:
    from ..breakers.circuit import Circuit

CircuitOf = Callable[[], "Circuit"]


def decorate(circuit_of: CircuitOf, fn: Any, moves: bool = False) -> Any:
    """The same function, called through the circuit: synchronous, async, a generator or an async generator.

    ``moves``: it may be another circuit with each call.
    """
    if isinstance(fn, staticmethod | classmethod):
        return type(fn)(decorate(circuit_of, fn.__func__, moves))
    kind = fn if inspect.isroutine(fn) or isinstance(fn, functools.partial) else getattr(type(fn), "__call__", fn)
    if inspect.isasyncgenfunction(kind):
        made: Any = _async_generator(circuit_of, fn)
    elif inspect.iscoroutinefunction(kind):
        made = _moving_coroutine(circuit_of, fn) if moves else _coroutine(circuit_of(), fn)
    elif inspect.isgeneratorfunction(kind):
        made = _generator(circuit_of, fn)
    else:
        made = _moving_function(circuit_of, fn) if moves else _function(circuit_of(), fn)
    return functools.update_wrapper(made, fn)


def _moving_function(circuit_of: CircuitOf, fn: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return _function(circuit_of(), fn)(*args, **kwargs)

    return call


def _moving_coroutine(circuit_of: CircuitOf, fn: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        return await _coroutine(circuit_of(), fn)(*args, **kwargs)

    return call


def _function(circuit: Circuit, fn: Callable[..., Any]) -> Callable[..., Any]:
    core = circuit.core
    read, scale = circuit.environment.read, circuit.environment.scale

    def call(*args: Any, **kwargs: Any) -> Any:
        generation = core.generation
        if not (generation.admits and core.is_plain):
            now = read() * scale
            # From here to the next call no other thread runs in between.
            until = generation.rejects_until
            if now < until:
                core.counters[REJECTED] += 1
                if probes.get() is not None and is_part_of_probe(circuit):
                    return fn(*args, **kwargs)
                raise circuit_open(circuit.name, circuit.key, until - now)
            return call_sync(circuit, lambda: fn(*args, **kwargs), None, None)
        core.permits += 1
        started_at = read() * scale
        try:
            result = fn(*args, **kwargs) if kwargs else fn(*args)
        except BaseException as error:
            core.settle_error(permit_of(core, generation, started_at), error)
            raise
        if result is not None and type(result) not in PLAIN_TYPES:
            permit = permit_of(core, generation, started_at)
            if hasattr(result, "__await__"):
                refuse_awaitable(circuit.name, permit.ignore, result)
            core.settle_result(permit, result)
            return result
        # This settling stands here and in ``_coroutine``: a function for both would cost each call as much as its
        # clock does.
        now = read() * scale
        took = now - started_at
        bucket = 0 if took < 0.125 else latency_bucket(took)
        # From here to the return nothing calls, so that no other thread runs in between.
        if now < generation.fast_path_until:
            generation.calls += 1
            core.counters[bucket] += 1
            return result
        core.settle(permit_of(core, generation, started_at), "success", result)
        return result

    return call


def _coroutine(circuit: Circuit, fn: Callable[..., Any]) -> Callable[..., Any]:
    core = circuit.core
    read, scale = circuit.environment.read, circuit.environment.scale

    async def call(*args: Any, **kwargs: Any) -> Any:
        generation = core.generation
        if not (generation.admits and core.is_plain):
            if circuit.guards is None and core.config.timeout_ms != 0:
                return await call_timed(circuit, fn, args, kwargs)
            return await call_async(circuit, lambda: fn(*args, **kwargs), None, None)
        core.permits += 1
        started_at = read() * scale
        try:
            result = await fn(*args, **kwargs)
        except BaseException as error:
            core.settle_error(permit_of(core, generation, started_at), error)
            raise
        if result is not None and type(result) not in PLAIN_TYPES:
            core.settle_result(permit_of(core, generation, started_at), result)
            return result
        # As in ``_function``.
        now = read() * scale
        took = now - started_at
        bucket = 0 if took < 0.125 else latency_bucket(took)
        # From here to the return nothing calls, so that no other thread runs in between.
        if now < generation.fast_path_until:
            generation.calls += 1
            core.counters[bucket] += 1
            return result
        core.settle(permit_of(core, generation, started_at), "success", result)
        return result

    return call


def _generator(circuit_of: CircuitOf, fn: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        permit = enter_or_raise(circuit_of())
        try:
            result = yield from fn(*args, **kwargs)
        except BaseException as error:
            permit.fail(error)
            raise
        permit.succeed()
        return result

    return call


def _async_generator(circuit_of: CircuitOf, fn: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        permit = enter_or_raise(circuit_of())
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
