"""Many threads at once: nothing is lost, nobody waits for another's call."""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random
from threading import Barrier, Event, Thread
from types import CodeType
from typing import Any

import pytest

from fuseboard import Breaker, CircuitOpenError
from fuseboard.call import decorated
from fuseboard.core.circuit import Circuit
from fuseboard.core.permit import Permit
from fuseboard.testing import FakeClock, create_breaker

THREADS = 8
EACH = 4_000


def nothing() -> None:
    """What costs least."""


@contextmanager
def switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def in_threads(work: Callable[[int], None], threads: int = THREADS) -> None:
    failures: list[BaseException] = []
    barrier = Barrier(threads)

    def run(number: int) -> None:
        barrier.wait()
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    running = [Thread(target=run, args=(number,), daemon=True) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(60)
        assert not thread.is_alive()
    assert failures == []


@pytest.mark.parametrize("window", [{"type": "Time", "duration": "10m"}, {"type": "Count", "size": 100_000}])
def test_no_success_is_lost(window: dict[str, Any]) -> None:
    breaker = create_breaker({"trip": {"window": window, "failureRate": {"thresholdPercent": 50}}})
    work = breaker(nothing)

    def calls(_: int) -> None:
        for _ in range(EACH):
            work()

    with switching_often():
        in_threads(calls)
    stats = breaker.stats()
    assert stats.totals["succeeded"] == THREADS * EACH
    assert stats.window["calls"] == THREADS * EACH


def test_no_rejection_is_lost_or_made_up_while_the_state_changes() -> None:
    breaker = create_breaker({"trip": {"consecutiveFailures": 1}})
    work = breaker(nothing)
    rejected = [0] * THREADS

    def calls(thread: int) -> None:
        for number in range(EACH):
            if thread == 0 and number % 10 == 0:
                if number % 20 == 0:
                    breaker.force_open("drill", 60)
                else:
                    breaker.reset()
            try:
                work()
            except CircuitOpenError:
                rejected[thread] += 1
            permit = breaker.enter()
            if permit is None:
                rejected[thread] += 1
            else:
                permit.succeed()

    with switching_often():
        in_threads(calls)
    totals = breaker.stats().totals
    assert totals["rejected"] == sum(rejected) > 0
    assert totals["succeeded"] == 2 * THREADS * EACH - sum(rejected)


def test_no_outcome_is_lost_among_failures_and_edits() -> None:
    specs: list[dict[str, Any]] = [
        {"trip": {"window": {"type": "Time", "duration": "10m"}, "failureCount": 1_000_000}},
        {"trip": {"window": {"type": "Time", "duration": "20m"}, "failureCount": 1_000_000}},
    ]
    breaker = create_breaker(specs[0])

    @breaker
    def work(number: int) -> None:
        if number % 10 == 0:
            raise KeyError(number)

    def calls(thread: int) -> None:
        for number in range(EACH):
            if thread == 0 and number % 50 == 0:
                breaker.apply(specs[number % 100 // 50])
            try:
                work(number)
            except KeyError:
                continue

    with switching_often():
        in_threads(calls)
    stats = breaker.stats()
    assert stats.totals["failed"] == THREADS * EACH // 10
    assert stats.totals["succeeded"] == THREADS * EACH - THREADS * EACH // 10
    assert stats.window == {"calls": THREADS * EACH, "failures": THREADS * EACH // 10, "slow": 0}


@pytest.mark.parametrize("window", [{"type": "Time", "duration": "10m"}, {"type": "Count", "size": 100_000}])
def test_no_failure_is_lost_and_none_counts_twice(window: dict[str, Any]) -> None:
    breaker = create_breaker({"trip": {"window": window, "failureCount": 100_000}})

    @breaker
    def work() -> None:
        raise KeyError

    permits = [breaker.enter() for _ in range(EACH)]

    def calls(_: int) -> None:
        for permit in permits:
            assert permit is not None
            permit.fail(ValueError())
            with pytest.raises(KeyError):
                work()

    with switching_often():
        in_threads(calls)
    stats = breaker.stats()
    ended = EACH + THREADS * EACH
    assert stats.totals["failed"] == sum(stats.latency) == ended
    assert stats.window == {"calls": ended, "failures": ended, "slow": 0}
    assert stats.consecutive_failures == ended


def test_failures_of_many_threads_open_the_circuit_once() -> None:
    breaker = create_breaker({"trip": {"window": {"type": "Time", "duration": "10m"}, "failureCount": 10_000}})
    opened: list[str] = []
    breaker.on("transition", lambda event: opened.append(event.reason))
    admitted = [0] * THREADS

    @breaker
    def work(thread: int) -> None:
        admitted[thread] += 1
        raise KeyError

    def calls(thread: int) -> None:
        for _ in range(EACH):
            with pytest.raises((KeyError, CircuitOpenError)):
                work(thread)

    with switching_often():
        in_threads(calls)
    totals = breaker.stats().totals
    assert opened == ["failure-count"]
    assert totals["failed"] == sum(admitted)
    assert 10_000 <= totals["failed"] < 10_000 + THREADS
    assert totals["failed"] + totals["rejected"] == THREADS * EACH


def test_buckets_that_end_meanwhile_lose_nothing() -> None:
    breaker = create_breaker({"trip": {"window": {"type": "Time", "duration": "10ms"}, "failureCount": 1_000_000}})
    work = breaker(nothing)

    def calls(_: int) -> None:
        for _ in range(EACH):
            work()

    with switching_often():
        in_threads(calls)
    assert breaker.stats().totals["succeeded"] == THREADS * EACH


def test_a_half_open_circuit_admits_no_more_threads_than_probes() -> None:
    clock = FakeClock()
    spec = {"trip": {"consecutiveFailures": 1}, "recovery": {"openDuration": "1s", "halfOpen": {"maxProbes": 2}}}
    breaker = create_breaker(spec, clock)
    permit = breaker.enter()
    assert permit is not None
    permit.fail()
    clock.advance(1_000)
    admitted: list[object] = []

    def ask(_: int) -> None:
        for _ in range(50):
            permit = breaker.enter()
            if permit is not None:
                admitted.append(permit)

    with switching_often():
        in_threads(ask)
    assert len(admitted) == 2


def test_a_call_does_not_keep_others_waiting() -> None:
    breaker = create_breaker({"trip": {"consecutiveFailures": 1, "slowCallRate": SLOW}})
    inside, leave = Event(), Event()

    def first() -> None:
        inside.set()
        assert leave.wait(10)

    thread = Thread(target=breaker.call, args=(first,))
    thread.start()
    assert inside.wait(10)
    assert breaker.call(lambda: "second") == "second"
    assert breaker.state == "closed"
    leave.set()
    thread.join(10)
    assert breaker.stats().totals["succeeded"] == 2


SLOW = {"thresholdPercent": 100, "slowerThan": "1h"}


def test_a_listener_may_use_the_breaker_and_another_thread_too() -> None:
    breaker = create_breaker({"trip": {"consecutiveFailures": 1}})
    seen: list[str] = []

    def listen(_: object) -> None:
        thread = Thread(target=lambda: seen.append(breaker.state), daemon=True)
        thread.start()
        thread.join(10)
        seen.append(breaker.state)
        with pytest.raises(CircuitOpenError):
            breaker.call(lambda: None)

    breaker.on("transition", listen)
    permit = breaker.enter()
    assert permit is not None
    permit.fail()
    assert seen == ["open", "open"]


def test_an_outcome_that_arrives_inside_another_operation_is_counted_after_it() -> None:
    """A signal handler or a finalizer runs between any two steps of the thread that holds the lock."""
    clock = FakeClock()
    breaker = create_breaker({"trip": {"consecutiveFailures": 9}}, clock)
    circuit = breaker._current().circuit
    late, outer = (circuit.enter() for _ in range(2))
    assert outer is not None
    record = circuit._window.record

    class Interrupting:
        def __getattr__(self, name: str) -> Any:
            return getattr(original, name)

        def record(self, now: float, failed: bool, slow: bool) -> None:
            circuit._window = original
            assert late is not None
            late.fail()
            record(now, failed, slow)

    original = circuit._window
    circuit._window = Interrupting()  # type: ignore[assignment]
    outer.fail()
    assert breaker.stats().window == {"calls": 2, "failures": 2, "slow": 0}
    assert breaker.stats().consecutive_failures == 2


def test_blocks_of_threads_do_not_mix() -> None:
    breaker = create_breaker({"trip": {"failureCount": 1_000_000}})
    mixed: list[Any] = []

    def work(number: int) -> None:
        for i in range(EACH):
            fails = (number + i) % 3 == 0
            try:
                with breaker as permit:
                    if fails:
                        raise ValueError
            except ValueError:
                pass
            if permit.outcome != ("failure" if fails else "success"):
                mixed.append(permit)

    with switching_often():
        in_threads(work)
    totals = breaker.stats().totals
    assert (mixed, totals["succeeded"] + totals["failed"]) == ([], THREADS * EACH)


WINDOWS: list[dict[str, Any]] = [
    {"type": "Time", "duration": "1s"},
    {"type": "Count", "size": 20},
    {"type": "Ewma", "halfLife": "1s"},
]
CONDITIONS: list[dict[str, Any]] = [
    {"failureRate": {"thresholdPercent": 50}, "minimumCalls": 8},
    {"failureCount": 7},
    {"consecutiveFailures": 5},
]


@pytest.mark.parametrize("mode", ["Enforce", "Shadow", "Disabled"])
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("window", WINDOWS)
def test_what_is_counted_without_the_lock_is_what_is_counted_with_it(
    window: dict[str, Any], condition: dict[str, Any], mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {"mode": mode, "trip": {"window": window, **condition}, "recovery": {"openDuration": "200ms"}}
    random = Random(1)
    clocks = [FakeClock(), FakeClock()]
    without_lock = create_breaker(spec, clocks[0])
    monkeypatch.setattr("fuseboard.core.circuit.has_gil", lambda: False)
    with_lock = create_breaker(spec, clocks[1])
    both = (without_lock, with_lock)

    def fail(number: int) -> None:
        raise LookupError(number)

    working, failing = [each(nothing) for each in both], [each(fail) for each in both]
    permits = [[each.enter() for each in both] for _ in range(4)]
    for step in range(1_500):
        kind = random.choices(("works", "fails", "permit", "wait", "force"), (5, 4 + step // 100, 2, 5, 0.1))[0]
        ms, chosen = random.randrange(60), random.randrange(4)
        for i, each in enumerate(both):
            if kind == "works":
                with suppress(CircuitOpenError):
                    working[i]()
            elif kind == "fails":
                with suppress(CircuitOpenError, LookupError):
                    failing[i](step)
            elif kind == "permit":
                permit, permits[chosen][i] = permits[chosen][i], each.enter()
                if permit is not None:
                    permit.fail(KeyError()) if ms % 2 else permit.succeed()
            elif kind == "wait":
                clocks[i].advance(ms)
            else:
                each.force_closed("drill", 0.1)
        if step % 10 == 0:
            assert without_lock.stats() == with_lock.stats()
    assert without_lock.stats() == with_lock.stats()
    assert without_lock.stats().totals["failed"] > 100


def straight_line(function: Any, first: str, last: str) -> list[str]:
    """The operations from the line that begins with ``first`` to the next that begins with ``last``, in the code of a function or
    one inside of it."""
    lines, number = inspect.getsourcelines(function)
    start = next(i for i, line in enumerate(lines) if line.strip().startswith(first))
    end = next(i for i in range(start, len(lines)) if lines[i].strip().startswith(last))
    codes = [function.__code__]
    codes += [constant for constant in function.__code__.co_consts if isinstance(constant, CodeType)]
    found: list[str] = []
    for code in codes:
        at = 0
        for instruction in dis.get_instructions(code):
            # Since Python 3.13 ``starts_line`` only says whether, and ``line_number`` which.
            at = getattr(instruction, "line_number", None) or instruction.starts_line or at
            if number + start <= at <= number + end:
                found.append(instruction.opname)
    return found


SUCCESS = ("if now < generation.fast_path_until", "return")
REJECTION = ("if now < generation.rejects_until", "return None")


@pytest.mark.parametrize(
    ("function", "lines"),
    [
        (Permit.succeed, SUCCESS),
        (decorated._function, SUCCESS),
        (decorated._coroutine, SUCCESS),
        (Circuit.enter, REJECTION),
        (Breaker.enter, REJECTION),
        (Breaker.__enter__, ("if self._block is None", "return permit")),
        (Breaker._begin_block, ("if self._block is None", "self._first_block, self._block")),
        (Breaker._end_block, ("if permit is None", "return permit")),
        (Breaker._end_block, ("self._more_blocks -= 1", "self._block, self._first_block")),
        (Breaker.__exit__, ("permit = self._block", "self._block = None")),
        (decorated._function, ("until = generation.rejects_until", "circuit.counters[REJECTED]")),
        (Circuit.count_failure, ("config, window, counters = self.config", "return True")),
    ],
)
def test_nothing_lets_another_thread_in_on_the_quick_path(function: Any, lines: tuple[str, str]) -> None:
    operations = straight_line(function, *lines)
    assert {"STORE_SUBSCR", "STORE_ATTR"} & set(operations)
    lets_in = ("CALL", "PRECALL", "JUMP_BACKWARD", "JUMP_ABSOLUTE", "FOR_ITER", "RESUME", "YIELD", "SEND", "IMPORT")
    assert [each for each in operations if each.startswith(lets_in)] == []
