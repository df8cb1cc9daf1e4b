"""The breaker that code holds: functions, blocks, permits, keys, and manual control."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest

from fuseboard import CircuitOpenError, ConfigError, LimitedError, TransitionEvent
from fuseboard.testing import FakeClock, create_breaker

ONE: dict[str, Any] = {"trip": {"consecutiveFailures": 1}, "recovery": {"openDuration": "1s"}}


def test_a_decorated_function_is_the_same_function() -> None:
    breaker = create_breaker({})

    @breaker
    def add(a: int, b: int = 2) -> int:
        """Add."""
        return a + b

    assert (add.__name__, add.__doc__, add(1), add(1, b=5)) == ("add", "Add.", 3, 6)


def test_methods_of_all_kinds_are_decorated() -> None:
    breaker = create_breaker(ONE)

    class Client:
        name = "client"

        @breaker
        def get(self, path: str) -> str:
            return f"{self.name}{path}"

        @breaker
        @classmethod
        def of_class(cls) -> str:
            return cls.name

        @breaker
        @staticmethod
        def static(value: int) -> int:
            return value

        @breaker
        async def get_async(self) -> str:
            return self.name

    client = Client()
    assert (client.get("/a"), Client.of_class(), client.static(3)) == ("client/a", "client", 3)
    assert asyncio.run(client.get_async()) == "client"
    assert breaker.stats().totals["succeeded"] == 4


def test_partials_and_callables_keep_their_kind() -> None:
    breaker = create_breaker({})

    async def double(value: int) -> int:
        return value * 2

    class Doubles:
        async def __call__(self, value: int) -> int:
            return value * 2

    assert asyncio.run(breaker(functools.partial(double, 2))()) == 4
    assert asyncio.run(breaker(Doubles())(3)) == 6
    assert breaker.stats().totals["succeeded"] == 2


def test_a_response_is_classified_by_its_status() -> None:
    class Response:
        status_code = 503
        headers: dict[str, str] = {}

    breaker = create_breaker({"trip": {"consecutiveFailures": 2}})
    answer = Response()
    assert breaker(lambda: answer)() is answer
    assert breaker.call(lambda: answer) is answer
    assert breaker.state == "open"


def test_a_block_is_a_call() -> None:
    clock = FakeClock()
    breaker = create_breaker({**ONE, "trip": {"consecutiveFailures": 2}}, clock)
    with breaker, breaker:
        clock.advance(1)
    assert breaker.stats().totals["succeeded"] == 2
    with pytest.raises(KeyError), breaker:
        raise KeyError
    with pytest.raises(KeyError), breaker as permit:
        permit.ignore()
        raise KeyError
    with pytest.raises(KeyboardInterrupt), breaker:
        raise KeyboardInterrupt
    assert breaker.stats().totals["failed"] == 1
    assert breaker.stats().totals["ignored"] == 2
    with pytest.raises(KeyError), breaker:
        raise KeyError
    with pytest.raises(CircuitOpenError), breaker:
        pytest.fail("an open circuit lets nothing through")


def test_a_block_inside_another_ends_with_its_own_permit() -> None:
    breaker = create_breaker({"trip": {"consecutiveFailures": 9}})
    with breaker as outer:
        with breaker as inner:
            inner.ignore()
        assert (inner.outcome, outer.outcome) == ("ignored", None)
        with pytest.raises(KeyError), breaker as inner:
            raise KeyError
        assert (inner.outcome, outer.outcome) == ("failure", None)
    assert outer.outcome == "success"
    breaker.__exit__(None, None, None)
    assert breaker.stats().totals["succeeded"] == 1


def test_blocks_that_end_in_another_order_in_tasks_keep_their_permits() -> None:
    breaker = create_breaker({"trip": {"consecutiveFailures": 9}})
    found: dict[str, str | None] = {}

    async def block(name: str, ends: asyncio.Event, fails: bool) -> None:
        try:
            async with breaker as permit:
                await ends.wait()
                if fails:
                    raise KeyError
        except KeyError:
            pass
        found[name] = permit.outcome

    async def all_of() -> None:
        events = {name: asyncio.Event() for name in "abc"}
        tasks = [asyncio.create_task(block(name, event, name == "b")) for name, event in events.items()]
        await asyncio.sleep(0)
        for name in "bac":
            events[name].set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(all_of())
    assert found == {"a": "success", "b": "failure", "c": "success"}


def test_blocks_of_tasks_do_not_mix() -> None:
    clock = FakeClock()
    breaker = create_breaker({"trip": {"slowCallRate": {"thresholdPercent": 100, "slowerThan": "10ms"}}}, clock)

    async def block(turns: int) -> None:
        async with breaker:
            for _ in range(turns):
                clock.advance(1)
                await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(block(20), block(1), block(2))

    asyncio.run(both())
    assert breaker.stats().totals["slow"] == 1


@pytest.mark.parametrize("mode", ["Enforce", "Shadow", "Disabled"])
def test_a_slow_failure_counts_as_slow_in_every_mode(mode: str) -> None:
    clock = FakeClock()
    trip = {"slowCallRate": {"thresholdPercent": 100, "slowerThan": "10ms"}}
    permit = (breaker := create_breaker({"mode": mode, "trip": trip}, clock)).enter()
    assert permit is not None
    clock.advance(11)
    permit.fail()
    totals = breaker.stats().totals
    assert (totals["failed"], totals["slow"]) == (1, 1)


def test_a_permit_is_settled_once() -> None:
    breaker = create_breaker(ONE)
    permit = breaker.enter()
    assert permit is not None
    permit.succeed()
    permit.fail()
    assert breaker.state == "closed"
    other = breaker.enter()
    assert other is not None
    with pytest.raises(OSError), other:
        raise OSError
    assert breaker.state == "open"
    assert breaker.enter() is None


def test_a_permit_holds_its_place_until_it_is_settled() -> None:
    breaker = create_breaker({"concurrency": {"maxConcurrent": 1}})
    permit = breaker.enter()
    assert permit is not None
    assert breaker.enter() is None
    with (
        pytest.raises(LimitedError, match='breaker "test" has 1 calls under way, as many as its policy allows'),
        breaker,
    ):
        pytest.fail("there is no place")
    permit.succeed()
    permit.succeed()
    with breaker:
        assert breaker.enter() is None
    assert breaker.stats().totals["succeeded"] == 2


def test_manual_control() -> None:
    clock = FakeClock()
    breaker = create_breaker(ONE, clock)
    events: list[TransitionEvent] = []
    end = breaker.on("transition", events.append)
    breaker.force_open("maintenance", 60)
    assert breaker.stats().forced is not None
    assert breaker.stats().retry_after == 60
    clock.advance(60_000)
    assert breaker.state == "half-open"
    breaker.force_closed("drill", "1m")
    end()
    breaker.reset()
    assert [(event.to_state, event.reason, event.detail) for event in events] == [
        ("open", "forced-open", "maintenance"),
        ("half-open", "force-over", None),
        ("closed", "forced-closed", "drill"),
    ]
    for reason, duration in (("", 60), ("r" * 257, 60), ("r", 0), ("r", "25h"), ("r", True), ("r", 86_401)):
        with pytest.raises(ConfigError, match='breaker "test" cannot force_open; give a'):
            breaker.force_open(reason, duration)
    with pytest.raises(ValueError, match='no event "change"'):
        breaker.on("change", events.append)


class TestKeys:
    POLICY: dict[str, Any] = {**ONE, "perKey": {"maxKeys": 2, "idleTimeout": "10s"}}

    def test_have_a_circuit_each(self) -> None:
        breaker = create_breaker(self.POLICY)
        with pytest.raises(OSError):
            breaker.for_key("a").call(lambda: open("/nowhere/at/all"))  # noqa: SIM115
        assert (breaker.for_key("a").state, breaker.for_key("b").state, breaker.state) == ("open", "closed", "closed")
        assert breaker.stats().totals["failed"] == 1

    def test_share_one_where_there_are_too_many_or_they_are_too_long(self) -> None:
        clock = FakeClock()
        breaker = create_breaker(self.POLICY, clock)
        events: list[TransitionEvent] = []
        breaker.on("transition", events.append)
        for key in ("a", "b"):
            breaker.for_key(key).call(lambda: None)
        for key in ("c", "x" * 257, "\U0001f600" * 129):
            permit = breaker.for_key(key).enter()
            if permit is not None:
                permit.fail()
        assert [event.key for event in events] == ["*"]
        assert breaker.for_key("d").state == "open"
        clock.advance(10_000)
        assert breaker.for_key("d").state == "closed"
        assert breaker.stats().totals | {"succeeded": 2, "failed": 1} == breaker.stats().totals

    def test_that_are_open_do_not_leave(self) -> None:
        clock = FakeClock()
        breaker = create_breaker({**self.POLICY, "recovery": {"openDuration": "1h"}}, clock)
        permit = breaker.for_key("a").enter()
        assert permit is not None
        permit.fail()
        clock.advance(60_000)
        for number in range(100):
            breaker.for_key(f"k{number}").call(lambda: None)
        assert breaker.for_key("a").state == "open"

    def test_are_strings(self) -> None:
        with pytest.raises(ConfigError, match="must be a string, got int"):
            create_breaker({}).for_key(5)  # type: ignore[arg-type]

    def test_decorate(self) -> None:
        breaker = create_breaker(self.POLICY)

        @breaker.for_key("a")
        def work() -> None:
            raise OSError

        with pytest.raises(OSError):
            work()
        with pytest.raises(CircuitOpenError, match=r'breaker "test" key "a" is open; retry in 1\.0 s'):
            work()
