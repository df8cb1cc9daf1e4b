"""What a call through a breaker costs, beside the bare call and beside other breakers, as ratios in one run.

    pip install -r bench/requirements.txt
    python bench/bench.py

Rounds of all subjects alternate, and the least of each counts. A call is one in a ``for`` loop, and the loop counts, as with ``timeit``.
How many times a bare call something costs depends on the interpreter and the processor: Python 3.13 makes an empty call cheaper and
nothing else. So a budget in bare calls holds where circuitbreaker costs as much as it did when the budget was set, and is scaled by
what it costs in the same run. Prints each figure with its budget, and ends with 1 when one is missed and ``--check`` is given.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from itertools import cycle, islice
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import circuitbreaker
import interlock
import pybreaker

from fuseboard import Breaker
from fuseboard.breakers.registry import Registry
from fuseboard.testing import create_breaker

BREAKERS = 8
CALLS = 1_000
"""So few that some rounds are not disturbed by whatever else runs."""
POLICY: dict[str, Any] = {
    "trip": {
        "window": {"type": "Time", "duration": "10s"},
        "minimumCalls": 20,
        "failureRate": {"thresholdPercent": 50},
    },
    "recovery": {"openDuration": "30s"},
}
NEVER: dict[str, Any] = {"trip": {"window": {"type": "Time", "duration": "10s"}, "failureCount": 1_000_000}}

Run = Callable[[int], None]
Subject = tuple[str, Run]


def bare() -> None:
    return None


def failing() -> None:
    raise ValueError


async def bare_async() -> None:
    return None


def calling(functions: list[Callable[[], Any]]) -> Run:
    def run(calls: int) -> None:
        for function in islice(cycle(functions), calls):
            function()

    return run


def catching(functions: list[Callable[[], Any]]) -> Run:
    def run(calls: int) -> None:
        for function in islice(cycle(functions), calls):
            try:
                function()
            except Exception:
                continue

    return run


def awaiting(functions: list[Callable[[], Awaitable[Any]]]) -> Run:
    loop = asyncio.new_event_loop()

    async def all_of(calls: int) -> None:
        for function in islice(cycle(functions), calls):
            await function()

    return lambda calls: loop.run_until_complete(all_of(calls))


def in_threads(run: Run, threads: int) -> Run:
    def all_of(calls: int) -> None:
        barrier = Barrier(threads)

        def one() -> None:
            barrier.wait()
            run(calls // threads)

        running = [Thread(target=one) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()

    return all_of


def nothing(calls: int) -> None:
    """What starting threads costs, where they have nothing to do."""


def least(subjects: list[Subject], rounds: int, calls: int) -> dict[str, float]:
    """The least nanoseconds a call of each."""
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, run in subjects:
            began = time.perf_counter_ns()
            run(calls)
            took = (time.perf_counter_ns() - began) / calls
            best[name] = min(took, best.get(name, took))
    return best


def ours(function: Any, policy: dict[str, Any] = POLICY) -> list[Any]:
    return [create_breaker(policy)(function) for _ in range(BREAKERS)]


def open_breakers() -> list[Any]:
    made = [create_breaker(POLICY) for _ in range(BREAKERS)]
    for breaker in made:
        breaker.force_open("bench", "1h")
    return made


def peers(function: Any, threshold: int = 1_000_000) -> dict[str, list[Any]]:
    return {
        "circuitbreaker": [
            circuitbreaker.CircuitBreaker(failure_threshold=threshold, name=f"b{i}")(function) for i in range(BREAKERS)
        ],
        "pybreaker": [pybreaker.CircuitBreaker(fail_max=threshold)(function) for _ in range(BREAKERS)],
        "interlock": [interlock.CircuitBreaker(name=f"i{i}")(function) for i in range(BREAKERS)],
    }


def entering(breakers: list[Any]) -> list[Callable[[], None]]:
    def made(breaker: Any) -> Callable[[], None]:
        def enter() -> None:
            permit = breaker.enter()
            if permit is not None:
                bare()
                permit.succeed()

        return enter

    return [made(breaker) for breaker in breakers]


def blocks(breakers: list[Any]) -> list[Callable[[], None]]:
    def made(breaker: Any) -> Callable[[], None]:
        def block() -> None:
            with breaker:
                bare()

        return block

    return [made(breaker) for breaker in breakers]


def memory() -> float:
    """Bytes a breaker of one policy, after use; without the free lists of the interpreter, which a collection empties."""
    registry = Registry()
    Breaker(registry.get_breaker("first", POLICY)).call(bare)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(1_000):
        Breaker(registry.get_breaker(f"breaker-{number}", POLICY)).call(bare)
    gc.collect()
    took = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return took / 1_000


class Scale:
    """What the budgets in bare calls of one kind are scaled by."""

    def __init__(self, circuitbreaker: float, when_set: float) -> None:
        """How many bare calls one through circuitbreaker costs in this run, and did when the budgets were set."""
        self._factor = circuitbreaker / when_set
        self._why = f"circuitbreaker {circuitbreaker:.1f}, {when_set:g} when set"

    def report(self, what: str, value: float, budget: float, unit: str, others: str = "") -> bool:
        return report(what, value, budget * self._factor, unit, f"({budget:g}; {self._why}{others})")


def report(what: str, value: float, budget: float, unit: str, others: str = "") -> bool:
    kept = value <= budget
    print(
        f"{what:34} {value:8.2f} {unit:12} at most {budget:6.2f}  {'kept' if kept else 'MISSED'}  {others}", flush=True
    )
    return kept


def closed(rounds: int, calls: int) -> list[bool]:
    """Calls that succeed."""
    kept = []
    sync_peers = peers(bare)
    sync = least(
        [("bare", calling([bare])), ("ours", calling(ours(bare))), ("permit", calling(entering([create_breaker(POLICY) for _ in range(BREAKERS)])))]
        + [("with", calling(blocks([create_breaker(POLICY) for _ in range(BREAKERS)])))]
        + [(name, calling(functions)) for name, functions in sync_peers.items()],
        rounds,
        calls,
    )  # fmt: skip
    beside = "".join(f", {name} {sync[name] / sync['bare']:.1f}" for name in ("pybreaker", "interlock"))
    beside += f"; a bare call took {sync['bare']:.0f} ns"
    scale = Scale(sync["circuitbreaker"] / sync["bare"], 15)
    kept.append(scale.report("closed, decorated", sync["ours"] / sync["bare"], 15, "x bare", beside))
    kept.append(report("the same", sync["ours"] / sync["circuitbreaker"], 0.85, "x circuitbr."))
    kept.append(scale.report("enter and succeed", sync["permit"] / sync["bare"], 18, "x bare"))
    kept.append(scale.report("with", sync["with"] / sync["bare"], 22, "x bare"))
    return kept


def in_many_threads(rounds: int, calls: int) -> list[bool]:
    """The same in 8 threads."""
    kept = []
    threads = least(
        [("ours", in_threads(calling(ours(bare)), 8)), ("circuitbreaker", in_threads(calling(peers(bare)["circuitbreaker"]), 8))]
        + [("threads", in_threads(nothing, 8))],
        max(1, rounds // 20),
        calls * 20,
    )  # fmt: skip
    ours_in_threads, peer_in_threads = (threads[name] - threads["threads"] for name in ("ours", "circuitbreaker"))
    kept.append(report("closed, 8 threads", ours_in_threads / peer_in_threads, 1, "x circuitbr."))
    return kept


def awaited(rounds: int, calls: int) -> list[bool]:
    """Awaited calls, without and with a time limit."""
    kept = []
    timed = {**POLICY, "timeout": {"duration": "10s"}}

    async def bare_with_timeout() -> None:
        async with asyncio.timeout(10):
            return await bare_async()

    tasks = least(
        [("bare", awaiting([bare_async])), ("ours", awaiting(ours(bare_async))), ("timed", awaiting(ours(bare_async, timed)))]
        + [("circuitbreaker", awaiting(peers(bare_async)["circuitbreaker"])), ("asyncio.timeout", awaiting([bare_with_timeout]))],
        rounds,
        calls,
    )  # fmt: skip
    scale = Scale(tasks["circuitbreaker"] / tasks["bare"], 8.1)
    kept.append(scale.report("async, closed", tasks["ours"] / tasks["bare"], 8, "x bare"))
    beside = f"asyncio.timeout {(tasks['asyncio.timeout'] - tasks['bare']) / 1_000:.2f}"
    kept.append(report("async, a time limit more", (tasks["timed"] - tasks["ours"]) / 1_000, 0.8, "us", beside))
    return kept


def not_succeeding(rounds: int, calls: int) -> list[bool]:
    """Calls that are rejected or fail."""
    kept = []
    raising = least(
        [
            ("bare", catching([failing])),
            ("rejected", catching([breaker(bare) for breaker in open_breakers()])),
            ("enter", calling([breaker.enter for breaker in open_breakers()])),
            ("failing", catching(ours(failing, NEVER))),
            ("circuitbreaker", catching(peers(failing)["circuitbreaker"])),
        ],
        rounds,
        calls,
    )
    kept.append(report("rejected", raising["rejected"] / raising["bare"], 3, "x bare raise"))
    kept.append(report("enter gives None", raising["enter"] / raising["bare"], 0.8, "x bare raise"))
    scale = Scale(raising["circuitbreaker"] / raising["bare"], 5.2)
    kept.append(scale.report("failing", raising["failing"] / raising["bare"], 7, "x bare raise"))
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200, help="rounds of each subject (default: 200)")
    parser.add_argument("--calls", type=int, default=CALLS, help=f"calls in a round (default: {CALLS})")
    parser.add_argument("--check", action="store_true", help="end with 1 when a budget is missed")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    rounds, calls = given.rounds, given.calls
    kept = [
        *closed(rounds, calls),
        *in_many_threads(rounds, calls),
        *awaited(rounds, calls),
        *not_succeeding(rounds, calls),
        report("memory of a breaker", memory() / 1_000, 1.6, "kB"),
    ]
    print(f"{sum(kept)} of {len(kept)} budgets kept; Python {sys.version.split()[0]}")
    sys.exit(1 if given.check and not all(kept) else 0)


if __name__ == "__main__":
    main()
