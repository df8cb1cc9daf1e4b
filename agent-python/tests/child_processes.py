"""Processes that tests start."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def ended_after(process: subprocess.Popen[Any], how: int = signal.SIGTERM) -> Iterator[subprocess.Popen[Any]]:
    """End a process after the block, whatever happens in it. It fails when the process does not heed the signal within 60 s."""
    try:
        yield process
        process.send_signal(how)
        process.wait(60)
    finally:
        discard(process)


def discard(process: subprocess.Popen[Any]) -> None:
    """Kill a process unless it has ended, and close its pipes.

    What is left open is reported in the middle of whichever test runs when it is collected.
    """
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
