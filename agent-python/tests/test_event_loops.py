"""What is left of an event loop that ended."""

from __future__ import annotations

import asyncio
import gc
import weakref
from contextvars import Context
from typing import Any

import pytest

from fuseboard import Breaker
from fuseboard.breakers.registry import Registry
from fuseboard.call.loop_timers import loop_timers
from fuseboard.testing import FakeClock, create_breaker

DEFAULTS = {
    "trip": {
        "window": {"type": "Time", "duration": "10s"},
        "slowCallRate": {"thresholdPercent": 50, "slowerThan": "1s"},
    },
    "timeout": {"duration": "30s"},
    "concurrency": {"maxConcurrent": 1, "maxQueue": 5, "queueTimeout": "20s"},
}


@pytest.mark.parametrize("is_left", [False, True], ids=["its calls ended", "calls ended with it"])
def test_an_event_loop_that_ended_is_let_go(is_left: bool) -> None:
    breaker = Breaker(Registry().get_breaker("payments", DEFAULTS))

    async def lives() -> weakref.ref[asyncio.AbstractEventLoop]:
        loop = asyncio.get_running_loop()
        await breaker.call_async(asyncio.sleep, 0)
        left = [asyncio.ensure_future(breaker.call_async(asyncio.sleep, 60)) for _ in range(2 if is_left else 0)]
        await asyncio.sleep(0.01)
        assert len(left) == (2 if is_left else 0)
        assert loop_timers(loop) is loop_timers(loop)
        return weakref.ref(loop)

    ended = [asyncio.run(lives()) for _ in range(3)]
    gc.collect()
    assert [loop() for loop in ended] == [None, None, None]


@pytest.mark.parametrize("is_decorated", [True, False])
def test_a_call_whose_coroutine_is_closed_elsewhere_is_ignored_and_leaves_no_time_limit(is_decorated: bool) -> None:
    """As when the interpreter collects what an event loop left: in whatever context it does so."""
    breaker = create_breaker({"timeout": {"duration": "30s"}})

    async def lives() -> None:
        call: Any = breaker(asyncio.sleep)(60) if is_decorated else breaker.call_async(asyncio.sleep, 60)
        task = asyncio.ensure_future(call)
        await asyncio.sleep(0)
        assert any(loop_timers(asyncio.get_running_loop()).ticks.values())
        Context().run(call.close)
        assert not any(loop_timers(asyncio.get_running_loop()).ticks.values())
        task.cancel()
        await asyncio.wait([task])
        assert isinstance(task.exception(), RuntimeError)

    asyncio.run(lives())
    totals = breaker.stats().totals
    assert (totals["ignored"], totals["timedOut"], totals["failed"]) == (1, 0, 0)


def test_a_probe_whose_coroutine_is_closed_elsewhere_is_ignored() -> None:
    clock = FakeClock()
    breaker = create_breaker({"trip": {"consecutiveFailures": 1}, "recovery": {"openDuration": "1s"}}, clock)
    permit = breaker.enter()
    assert permit is not None
    permit.fail()
    clock.advance(1_000)

    async def lives() -> None:
        call: Any = breaker(asyncio.sleep)(60)
        task = asyncio.ensure_future(call)
        await asyncio.sleep(0)
        Context().run(call.close)
        task.cancel()
        await asyncio.wait([task])
        assert isinstance(task.exception(), RuntimeError)

    asyncio.run(lives())
    assert breaker.state == "half-open"
    assert breaker.stats().totals["ignored"] == 1
