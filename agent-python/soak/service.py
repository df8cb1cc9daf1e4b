"""A service that calls its breakers all the time, in good and bad times, and says what it holds: the subject of the soak.

``python service.py threads|asyncio|forks``: how it calls. URL, labels and namespace come from the environment. Each line on standard
input asks for a line of JSON with what the process holds; the end of the input ends it. SIGUSR1 makes it write on standard error
what each of its threads does.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import itertools
import json
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import fuseboard

NAMES = ["load-0", "load-1", "load-2", "partner-0-a", "partner-1-b"]
KEYED = "load-3"
"""The breaker whose circuits are kept for each key."""
KEYS = 500
"""So many keys take turns, far more than have a circuit at a time."""
DOWN_S, PERIOD_S = 5, 20
"""The dependency is down for so long of each period."""
EVERY_S = 0.05
CALLS = 10
THREADS = 8
PASSING_THREADS_EVERY_S = 0.2
LOOP_LIVES_S = 1.0
FORK_EVERY_S = 0.5
CHILD_CALLS = 20
CHILD_LIVES_S = 60
"""A child that has not ended after so long hangs."""

_numbers = itertools.count(1)


class Down(Exception):
    """What the service that is called says."""


def fails(number: int) -> bool:
    return time.monotonic() % PERIOD_S < DOWN_S or number % 25 == 0


def breaker_of(number: int) -> fuseboard.Breaker:
    if number % 7 == 0:
        return fuseboard.get_breaker(KEYED).for_key(f"host-{number // 50 % KEYS}")
    return fuseboard.get_breaker(NAMES[number % len(NAMES)])


def work(number: int) -> str:
    if number % 10 == 0:
        time.sleep(0.02)
    if fails(number):
        raise Down("the partner is down")
    return "fine"


async def work_async(number: int) -> str:
    if number % 10 == 0:
        await asyncio.sleep(0.02)
    if fails(number):
        raise Down("the partner is down")
    return "fine"


def call() -> None:
    number = next(_numbers)
    try:
        breaker_of(number).call(work, number)
    except (Down, fuseboard.FuseboardError):
        pass


async def call_async() -> None:
    number = next(_numbers)
    try:
        await breaker_of(number).call_async(work_async, number)
    except (Down, fuseboard.FuseboardError):
        pass


def repeat(seconds: float, act: Callable[[], None]) -> None:
    while True:
        act()
        time.sleep(seconds)


def in_threads() -> None:
    """Threads that stay call all the time, and others begin, call and end."""
    for _ in range(THREADS):
        threading.Thread(target=repeat, args=(EVERY_S / 2, call), daemon=True).start()

    def pass_by() -> None:
        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    repeat(PASSING_THREADS_EVERY_S, pass_by)


def in_loops() -> None:
    """An event loop after the other, each with calls that end, calls that are given up, and calls that end with it."""

    async def lives() -> None:
        until = time.monotonic() + LOOP_LIVES_S
        left: set[asyncio.Task[None]] = set()
        while time.monotonic() < until:
            calls = [asyncio.ensure_future(call_async()) for _ in range(CALLS)]
            await asyncio.sleep(0)
            calls[0].cancel()
            left = {call for call in (*left, *calls) if not call.done()}
            await asyncio.sleep(EVERY_S)

    while True:
        asyncio.run(lives())


def in_forks() -> None:
    """Children that call, report and end, one after the other; the parent calls too."""
    threading.Thread(target=repeat, args=(EVERY_S, call), daemon=True).start()
    repeat(FORK_EVERY_S, fork)


def fork() -> None:
    pid = os.fork()
    if pid == 0:
        code = 1
        faulthandler.dump_traceback_later(CHILD_LIVES_S, exit=True)
        try:
            agent = fuseboard.start()
            for _ in range(CHILD_CALLS):
                call()
            agent.ready(10)
            agent.stop(2)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        print(f"a child ended with {status}", file=sys.stderr, flush=True)
        os._exit(1)


def holdings() -> dict[str, Any]:
    """What the process holds once garbage is collected."""
    gc.collect()
    gc.collect()
    files, objects = _open_files(), gc.get_objects()
    with open("/proc/self/statm", encoding="ascii") as file:
        rss = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "rssBytes": rss,
        "blocks": sys.getallocatedblocks(),
        "objects": len(objects),
        "loops": sum(isinstance(each, asyncio.AbstractEventLoop) for each in objects),
        "threads": len(os.listdir("/proc/self/task")),
        "sockets": sum(target.startswith("socket:") for target in files),
        "files": len(files),
        "calls": next(_numbers),
    }


def _open_files() -> list[str]:
    found = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{fd}"))
        except OSError:
            continue
    return found


WAYS: dict[str, Callable[[], None]] = {"threads": in_threads, "asyncio": in_loops, "forks": in_forks}


def main(way: str) -> None:
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
    # A fork with threads is what is tried here; the link's own warnings are read on standard error.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=fuseboard.FuseboardWarning)
    fuseboard.start()
    threading.Thread(target=WAYS[way], daemon=True).start()
    for _ in sys.stdin:
        print(json.dumps(holdings()), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
