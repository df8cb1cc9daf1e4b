"""Runs one case through the core of the Python agent and notes what is to be seen after each step."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from outcome import error_of, response_of

from fuseboard import ConfigError, FuseboardError, PolicyFallback, TransitionEvent
from fuseboard.breakers.overrides import Overrides
from fuseboard.breakers.policy_set import Override
from fuseboard.testing import FakeClock, create_breaker

WALL_AT_START = 1_767_225_600_000
SETTLE_TURNS = 10


class SteppedClock(FakeClock):
    @property
    def next_due(self) -> float:
        """When the next deadline is due; infinity: there is none."""
        return min(self._due.values(), default=math.inf)


class Run:
    def __init__(self, case: dict[str, Any]) -> None:
        self.clock = SteppedClock()
        self.seed = case["seed"]
        self.draws = 0
        self.breaker = create_breaker(case["policy"], self.clock, self.draw, lambda: WALL_AT_START + self.clock.now())
        self.events: list[TransitionEvent] = []
        self.breaker.on("transition", self.events.append)
        self.overrides = Overrides()
        self.permits: dict[int, Any] = {}
        self.calls: CallRunner | None = None

    def draw(self) -> float:
        """Numbers that a seed decides, the same in every language: Park and Miller's generator."""
        self.draws += 1
        self.seed = (self.seed * 16_807) % 2_147_483_647
        return float(self.seed / 2_147_483_647)

    def all(self, steps: list[list[Any]]) -> list[Any]:
        try:
            return [getattr(self, f"do_{name}")(*args) for name, *args in steps]
        finally:
            if self.calls is not None:
                self.calls.close()

    def of(self, key: str | None) -> Any:
        return self.breaker if key is None else self.breaker.for_key(key)

    def settle(self) -> None:
        if self.calls is not None:
            self.calls.settle()

    def do_advance(self, ms: float) -> None:
        """Where calls last, no step jumps over the end of a wait."""
        target = self.clock.now() + ms
        while self.calls is not None and self.clock.next_due <= target:
            self.clock.advance(max(0, self.clock.next_due - self.clock.now()))
            self.calls.settle()
        self.clock.advance(target - self.clock.now())
        self.settle()

    def do_stall(self, ms: float) -> None:
        self.clock.stall(min(ms, max(0, self.clock.next_due - self.clock.now())))
        self.settle()

    def do_begin(self, number: int, key: str | None) -> bool:
        permit = self.permits[number] = self.of(key).enter()
        return permit is not None

    def do_end(self, number: int, outcome: Any) -> None:
        permit = self.permits.get(number)
        if permit is None:
            return
        if outcome == "success":
            permit.succeed()
        elif outcome == "ignored":
            permit.ignore()
        elif outcome == "failed":
            permit.fail()
        else:
            permit.fail(error_of(outcome))

    def do_call(self, number: int, key: str | None, options: dict[str, str]) -> int:
        if self.calls is None:
            self.calls = CallRunner()
        return self.calls.begin(number, self.of(key), options)

    def do_finish(self, number: int, outcome: Any) -> int | None:
        return None if self.calls is None else self.calls.finish(number, outcome)

    def do_abort(self, number: int) -> None:
        if self.calls is not None:
            self.calls.abort(number)

    def do_edit(self, spec: Any) -> str | None:
        try:
            self.breaker.apply(spec)
        except (ConfigError, TypeError) as error:
            return str(error)
        self.settle()
        return None

    def do_forceOpen(self, duration: str, reason: str, key: str | None) -> None:
        self.of(key).force_open(reason, duration)

    def do_forceClosed(self, duration: str, reason: str, key: str | None) -> None:
        self.of(key).force_closed(reason, duration)

    def do_reset(self, key: str | None) -> None:
        self.of(key).reset()

    def do_overrides(self, given: list[dict[str, Any]]) -> None:
        now = self.clock.now()
        everything = [
            Override(e["name"], e["name"], ["*"], e["action"], e["reason"], e["createdAt"], now + e["lastsMs"])
            for e in given
        ]
        resets = self.overrides.take(everything, now)
        breaker = self.breaker._current()
        breaker.apply_override(self.overrides.holding(breaker.name))
        for reset in resets:
            breaker.reset_from_override(reset)

    def do_classify(self, outcome: Any) -> str:
        circuit = self.breaker._current().circuit
        response = response_of(outcome)
        return circuit.classify_error(error_of(outcome)) if response is None else circuit.classify_result(response)

    def do_read(self, key: str | None) -> dict[str, Any]:
        breaker = self.of(key)._current()
        circuit = breaker.circuit
        held = breaker.forced
        forced = None
        if held is not None:
            by = held[0].override
            forced = {
                "state": held[0].state,
                "reason": held[0].reason,
                "endsInMs": held[1],
                "override": None if by is None else by.name,
            }
        seen = {
            "state": breaker.state,
            "mode": breaker.mode,
            "sinceMs": breaker.since_ms,
            "totals": breaker.totals,
            "latency": breaker.latency,
            "window": circuit.window,
            "consecutiveFailures": circuit.consecutive_failures,
            "retryAfterMs": circuit.retry_after_ms,
            "forced": forced,
        }
        totals = seen["totals"]
        was_called = totals["succeeded"] + totals["failed"] + totals["ignored"] + totals["rejected"] > 0
        if breaker.has_fallback and was_called:
            seen["optedIn"] = (breaker.parent or breaker).opted_in
        seen["events"] = [shown(event) for event in self.events]
        self.events.clear()
        seen["keys"] = [each.key for each in breaker.listed_keys(lambda key: False)] if key is None else []
        seen["draws"] = self.draws
        seen["ended"] = [] if self.calls is None else self.calls.ended()
        return seen


def shown(event: TransitionEvent) -> dict[str, Any]:
    told: dict[str, Any] = {"from": event.from_state, "to": event.to_state, "at": event.at, "reason": event.reason}
    if event.detail is not None:
        told["detail"] = event.detail
    if event.key is not None:
        told["key"] = event.key
    return told


class Call:
    def __init__(self) -> None:
        self.attempts = 0
        self.running: list[asyncio.Future[Any]] = []
        self.results: list[Any] = []
        self.task: asyncio.Task[None] | None = None


class CallRunner:
    """Calls that last, made by ``call_async``."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._calls: dict[int, Call] = {}
        self._ended: list[list[Any]] = []

    def begin(self, number: int, breaker: Any, options: dict[str, str]) -> int:
        call = self._calls[number] = Call()

        async def work() -> Any:
            call.attempts += 1
            attempt: asyncio.Future[Any] = self._loop.create_future()
            call.running.append(attempt)
            # Where a call holds a place, its function has a task of its own, and may continue after its time.
            heeds = asyncio.current_task() is call.task
            while True:
                try:
                    return await (attempt if heeds else asyncio.shield(attempt))
                except asyncio.CancelledError:
                    if heeds or attempt.done():
                        raise

        def fallback(failure: object) -> str:
            return options["fallback"]

        async def run() -> None:
            end: Any = "failed"
            try:
                value = await breaker.call_async(
                    work,
                    fallback=fallback if "fallback" in options else None,
                    policy_fallback=PolicyFallback(options["key"]) if "key" in options else None,
                )
            except FuseboardError as error:
                end = error.code
            except asyncio.CancelledError:
                end = "given-up"
            except Exception:
                end = "failed"
            else:
                is_own = any(value is result for result in call.results)
                end = "returned" if is_own else {"answer": value}
            self._ended.append([number, end])

        call.task = self._loop.create_task(run())
        self.settle()
        return call.attempts

    def finish(self, number: int, outcome: Any) -> int | None:
        call = self._calls.get(number)
        if call is None:
            return None
        if call.running:
            self._resolve(call, call.running.pop(0), outcome)
        self.settle()
        return call.attempts

    def abort(self, number: int) -> None:
        call = self._calls.get(number)
        if call is None or call.task is None:
            return
        call.task.cancel()
        self.settle()
        for attempt in call.running:
            attempt.cancel()
        call.running.clear()
        self.settle()

    def ended(self) -> list[list[Any]]:
        ended, self._ended = sorted(self._ended, key=lambda each: each[0]), []
        return ended

    def settle(self) -> None:
        for _ in range(SETTLE_TURNS):
            self._loop.call_soon(self._loop.stop)
            self._loop.run_forever()

    def close(self) -> None:
        for call in self._calls.values():
            if call.task is not None:
                call.task.cancel()
        self.settle()
        for call in self._calls.values():
            for attempt in call.running:
                attempt.cancel()
        self.settle()
        self._loop.close()

    def _resolve(self, call: Call, attempt: asyncio.Future[Any], outcome: Any) -> None:
        response = response_of(outcome)
        value = "fine" if response is None else response
        if outcome == "success" or response is not None:
            call.results.append(value)
        if attempt.done():
            return
        if outcome == "success" or response is not None:
            attempt.set_result(value)
        else:
            attempt.set_exception(error_of(outcome))
