"""Every scenario of the schema, replayed by each way to make a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from queue import SimpleQueue
from threading import Thread
from typing import Any

import pytest

from fuseboard import CircuitOpenError, TransitionEvent
from fuseboard.breakers.overrides import Overrides
from fuseboard.breakers.policy_set import Override
from fuseboard.core.config.duration import parse_duration
from fuseboard.testing import FakeClock, TestBreaker, create_breaker
from scenario_files import FOLDER, names_in, scenarios
from thrown import end_of

FILES = scenarios(FOLDER)


def instant(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1_000


class ByPermit:
    """Calls by ``enter``."""

    def __init__(self, breaker: TestBreaker) -> None:
        self._breaker = breaker

    def begin(self) -> Callable[[Any], None] | None:
        permit = self._breaker._current().circuit.enter()
        if permit is None:
            return None

        def end(outcome: Any) -> None:
            result, error = end_of(outcome)
            circuit = permit.circuit
            if error is not None:
                circuit.settle_error(permit, error)
            else:
                circuit.settle_result(permit, result)

        return end

    def close(self) -> None:
        """Nothing is open."""


class ByAwaiting:
    """Calls by ``call_async``, or of a decorated function, in tasks."""

    def __init__(self, breaker: TestBreaker, decorated: bool) -> None:
        self._loop = asyncio.new_event_loop()
        self._tasks: list[asyncio.Task[Any]] = []
        self._decorated = breaker(self._work) if decorated else None
        self._breaker = breaker

    async def _work(self, call: asyncio.Future[Any], begun: list[bool]) -> Any:
        begun.append(True)
        return await call

    def begin(self) -> Callable[[Any], None] | None:
        call: asyncio.Future[Any] = self._loop.create_future()
        begun: list[bool] = []

        async def run() -> None:
            try:
                if self._decorated is not None:
                    await self._decorated(call, begun)
                else:
                    await self._breaker.call_async(self._work, call, begun)
            except Exception:
                return

        self._tasks.append(self._loop.create_task(run()))
        self.settle()
        if not begun:
            return None

        def end(outcome: Any) -> None:
            result, error = end_of(outcome)
            if not call.done():
                if isinstance(error, asyncio.CancelledError):
                    call.cancel()
                elif error is not None:
                    call.set_exception(error)
                else:
                    call.set_result(result)
            self.settle()

        return end

    def settle(self) -> None:
        for _ in range(10):
            self._loop.call_soon(self._loop.stop)
            self._loop.run_forever()

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.settle()
        self._loop.close()


class ByCalling:
    """Calls by ``call``, or of a decorated function; those that last are made by threads."""

    def __init__(self, breaker: TestBreaker, decorated: bool) -> None:
        self._breaker = breaker
        self._function = breaker(self._finish) if decorated else None
        self._threads: list[tuple[Thread, SimpleQueue[Any]]] = []

    def _finish(self, begun: Callable[[], object], outcome: Callable[[], Any]) -> Any:
        begun()
        result, error = end_of(outcome())
        if error is not None:
            raise error
        return result

    def call(self, begun: Callable[[], object], outcome: Callable[[], Any]) -> bool:
        """Whether the call was admitted."""
        try:
            if self._function is not None:
                self._function(begun, outcome)
            else:
                self._breaker.call(self._finish, begun, outcome)
        except CircuitOpenError:
            return False
        except (Exception, asyncio.CancelledError):
            return True
        return True

    def begin(self) -> Callable[[Any], None] | None:
        begun: SimpleQueue[bool] = SimpleQueue()
        outcomes: SimpleQueue[Any] = SimpleQueue()

        def run() -> None:
            begun.put(self.call(lambda: begun.put(True), outcomes.get))

        thread = Thread(target=run, daemon=True)
        thread.start()
        if not begun.get():
            thread.join()
            return None
        self._threads.append((thread, outcomes))

        def end(outcome: Any) -> None:
            outcomes.put(outcome)
            thread.join()

        return end

    def close(self) -> None:
        for thread, outcomes in self._threads:
            outcomes.put("success")
            thread.join()


class Replay:
    def __init__(self, scenario: dict[str, Any], way: str) -> None:
        self.scenario = scenario
        self.clock = FakeClock()
        self.random = list(scenario.get("random", []))
        self.wall_at_start = instant(str(scenario.get("wallClock", "2026-01-01T00:00:00Z")))
        self.breaker = create_breaker(
            scenario["policy"],
            self.clock,
            lambda: self.random.pop(0),
            lambda: self.wall_at_start + self.clock.now(),
        )
        self.transitions: list[TransitionEvent] = []
        self.breaker.on("transition", self.transitions.append)
        self.overrides = Overrides()
        self.ends: dict[str, float] = {}
        self.running: dict[str, Callable[[Any], None] | None] = {}
        decorated = way.endswith("decorated")
        self.calls: Any = (
            ByPermit(self.breaker)
            if way == "permit"
            else ByAwaiting(self.breaker, decorated)
            if way.startswith("async")
            else ByCalling(self.breaker, decorated)
        )
        self.attempted = self.admitted = 0

    def run(self) -> None:
        for index, step in enumerate(self.scenario["steps"]):
            ms = step["at"] - self.clock.now()
            if step.get("stall"):
                self.clock.stall(ms)
            else:
                self.clock.advance(ms)
            if hasattr(self.calls, "settle"):
                self.calls.settle()
            self.attempted = self.admitted = 0
            self.act(step)
            self.compare(index, step)
            self.transitions.clear()
        assert self.random == []
        self.calls.close()

    def act(self, step: dict[str, Any]) -> None:
        calls = step.get("calls")
        if calls is not None:
            for _ in range(calls.get("times", 1)):
                self.one(calls["outcome"], calls.get("lastingMs", 0))
        for name in step.get("begin", []):
            self.running[name] = self.begin()
        for name in step.get("end", {}).get("calls", []):
            end = self.running[name]
            if end is not None:
                end(step["end"]["outcome"])
        if "edit" in step:
            self.breaker.apply(step["edit"])
        for name in ("forceOpen", "forceClosed"):
            if name in step:
                force = self.breaker.force_open if name == "forceOpen" else self.breaker.force_closed
                force(step[name]["reason"], step[name]["for"])
        if step.get("reset"):
            self.breaker.reset()
        if "overrides" in step:
            self.override(step["overrides"])
        if "wallClock" in step:
            self.wall_at_start = instant(str(step["wallClock"])) - self.clock.now()

    def one(self, outcome: Any, lasting_ms: float) -> None:
        def last() -> None:
            self.clock.advance(lasting_ms)

        if isinstance(self.calls, ByCalling):
            self.attempted += 1
            self.admitted += self.calls.call(last, lambda: outcome)
            return
        end = self.begin()
        if end is not None:
            last()
            end(outcome)

    def begin(self) -> Callable[[Any], None] | None:
        self.attempted += 1
        end: Callable[[Any], None] | None = self.calls.begin()
        self.admitted += end is not None
        return end

    def override(self, given: list[dict[str, Any]]) -> None:
        now = self.clock.now()
        everything = []
        for each in given:
            ends_at = self.ends.setdefault(each["name"], now + (parse_duration(each["for"]) or 0))
            created_at = each.get("createdAt", 0)
            name = each["name"]
            everything.append(Override(name, name, ["*"], each["action"], each["reason"], created_at, ends_at))
        resets = self.overrides.take(everything, now)
        breaker = self.breaker._current()
        breaker.apply_override(self.overrides.holding(breaker.name))
        for reset in resets:
            breaker.reset_from_override(reset)

    def compare(self, index: int, step: dict[str, Any]) -> None:
        expected = dict(step.get("expect", {}))
        rejected = expected.pop("rejected", None)
        admitted = expected.pop("admitted", None)
        if admitted is None:
            admitted = self.attempted - (rejected or 0)
        if rejected is None:
            rejected = self.attempted - admitted
        stats = self.breaker.stats()
        held = self.breaker._current().forced
        forced = None
        if held is not None:
            forced = {"state": held[0].state, "reason": held[0].reason, "endsInMs": held[1]}
            if held[0].override is not None:
                forced["override"] = held[0].override.name
        seen: dict[str, Any] = {
            "state": stats.state,
            "sinceMs": self.breaker._current().since_ms,
            "retryAfterMs": self.breaker._current().circuit.retry_after_ms,
            "consecutiveFailures": stats.consecutive_failures,
            "totals": stats.totals,
            "window": stats.window,
            "forced": forced,
            "transitions": [shown(event) for event in self.transitions],
        }
        found = {name: seen[name] for name in expected}
        for name in ("totals", "window"):
            if name in expected:
                found[name] = {each: seen[name][each] for each in expected[name]}
        counted = {"admitted": self.admitted, "rejected": self.attempted - self.admitted}
        wanted = {"admitted": admitted, "rejected": rejected}
        assert {"step": index, **found, **counted} == {"step": index, **expected, **wanted}


def shown(event: TransitionEvent) -> dict[str, Any]:
    told = {"from": event.from_state, "to": event.to_state, "at": event.at, "reason": event.reason}
    return told if event.detail is None else {**told, "detail": event.detail}


def test_every_scenario_is_there() -> None:
    assert [name for name, _ in FILES] == names_in(FOLDER)
    assert len(FILES) >= 128


WAYS = ["permit", "async", "async decorated", "sync", "sync decorated"]
# Without a function there is no time limit.
RUNS = [(way, *file) for way in WAYS for file in FILES if way != "permit" or "timeout" not in file[1]["policy"]]


@pytest.mark.parametrize(("way", "name", "scenario"), RUNS, ids=[f"{name} {way}" for way, name, _ in RUNS])
def test_scenario(way: str, name: str, scenario: dict[str, Any]) -> None:
    Replay(scenario, way).run()
