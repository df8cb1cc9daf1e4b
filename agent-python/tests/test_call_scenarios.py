"""Every scenario of what happens around a call."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import pytest

from fuseboard import FuseboardError, PolicyFallback
from fuseboard.testing import FakeClock, create_breaker
from scenario_files import FOLDER, names_in, scenarios
from thrown import end_of

FILES = scenarios(FOLDER / "calls")


class Call:
    def __init__(self) -> None:
        self.attempts = 0
        self.running: deque[asyncio.Future[Any]] = deque()
        self.results: list[Any] = []
        self.task: asyncio.Task[None] | None = None


class Replay:
    def __init__(self, scenario: dict[str, Any]) -> None:
        self.steps = scenario["steps"]
        self.clock = FakeClock()
        self.breaker = create_breaker(scenario["policy"], self.clock)
        # Where places are limited, a function may continue after its time, and holds its place as long.
        self.heeds_cancellation = "concurrency" not in scenario["policy"]
        key = scenario.get("policyFallback")
        self.policy_fallback = None if key is None else PolicyFallback(key)
        self.loop = asyncio.new_event_loop()
        self.calls: dict[str, Call] = {}
        self.ended: dict[str, Any] = {}

    def run(self) -> None:
        try:
            for index, step in enumerate(self.steps):
                self.ended = {}
                self.clock.advance(step["at"] - self.clock.now())
                self.settle()
                self.act(step)
                self.settle()
                self.compare(index, step.get("expect", {}))
        finally:
            self.close()

    def act(self, step: dict[str, Any]) -> None:
        for name in step.get("begin", []):
            self.begin(name)
            self.settle()
        for name in step.get("end", {}).get("calls", []):
            result, error = self.end_of(step["end"]["outcome"])
            call = self.calls[name]
            attempt = call.running.popleft()
            if attempt.done():
                continue
            if error is not None:
                attempt.set_exception(error)
            else:
                call.results.append(result)
                attempt.set_result(result)
        for name in step.get("abort", []):
            task = self.calls[name].task
            assert task is not None
            task.cancel()
        if "edit" in step:
            self.breaker.apply(step["edit"])

    def end_of(self, outcome: Any) -> tuple[Any, BaseException | None]:
        if outcome == "rejection":
            return None, rejection()
        if outcome == "caused-by-rejection":
            error = OSError("down")
            error.__cause__ = rejection()
            return None, error
        return end_of(outcome)

    def begin(self, name: str) -> None:
        call = self.calls[name] = Call()

        async def work() -> Any:
            call.attempts += 1
            attempt: asyncio.Future[Any] = self.loop.create_future()
            call.running.append(attempt)
            while True:
                try:
                    return await (attempt if self.heeds_cancellation else asyncio.shield(attempt))
                except asyncio.CancelledError:
                    if self.heeds_cancellation or attempt.done():
                        raise

        async def run() -> None:
            try:
                value = await self.breaker.call_async(work, policy_fallback=self.policy_fallback)
            except FuseboardError as error:
                self.ended[name] = error.code
            except asyncio.CancelledError:
                self.ended[name] = "given-up"
            except Exception:
                self.ended[name] = "failed"
            else:
                is_own = any(value is result for result in call.results)
                self.ended[name] = "returned" if is_own else {"answer": value}

        call.task = self.loop.create_task(run())

    def compare(self, index: int, expected: dict[str, Any]) -> None:
        stats = self.breaker.stats()
        attempts, totals = expected.get("attempts", {}), expected.get("totals", {})
        found = {
            "attempts": {name: self.calls[name].attempts for name in attempts},
            "totals": {name: stats.totals[name] for name in totals},
            "state": stats.state,
            "ended": self.ended,
        }
        wanted = {
            "attempts": attempts,
            "totals": totals,
            "state": expected.get("state", stats.state),
            "ended": expected.get("ended", {}),
        }
        assert {"step": index, **found} == {"step": index, **wanted}

    def settle(self) -> None:
        for _ in range(12):
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()

    def close(self) -> None:
        for call in self.calls.values():
            for attempt in call.running:
                attempt.cancel()
            if call.task is not None:
                call.task.cancel()
        self.settle()
        self.loop.close()


def rejection() -> FuseboardError:
    """The error with which another breaker rejects a call."""
    other = create_breaker({}, FakeClock())
    other.force_open("of the test", 1)
    with pytest.raises(FuseboardError) as rejected:
        other.call(lambda: None)
    return rejected.value


def test_every_scenario_is_there() -> None:
    assert [name for name, _ in FILES] == names_in(FOLDER / "calls")
    assert len(FILES) >= 28


@pytest.mark.parametrize(("name", "scenario"), FILES, ids=[name for name, _ in FILES])
def test_scenario(name: str, scenario: dict[str, Any]) -> None:
    Replay(scenario).run()
