"""Calls in this process and in two of ``multiprocessing`` that begin by the method of the argument; prints the calls by pid."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys

import fuseboard


def work(calls: int) -> tuple[int, int]:
    """Make calls, report them, and say who made them."""
    agent = fuseboard.start()
    assert agent.ready(60) == "Live"
    payments = fuseboard.get_breaker("payments")
    for _ in range(calls):
        payments.call(lambda: None)
    agent.stop(10)
    return os.getpid(), calls


def main(method: str) -> None:
    before = work(7)
    context = multiprocessing.get_context(method)
    # A worker a task: what one counts is not what the one before it counted.
    with context.Pool(2, maxtasksperchild=1) as pool:
        made = pool.map(work, [3, 5, 11], chunksize=1)
    print(json.dumps(dict([before, *made])), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
