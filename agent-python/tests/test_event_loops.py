"""What is left of an event loop that ended."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from fuseboard import Breaker
from fuseboard.breakers.registry import Registry
from fuseboard.call.loop_timers import loop_timers

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
