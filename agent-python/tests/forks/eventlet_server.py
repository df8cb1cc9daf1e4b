"""Two forked workers that serve the application with eventlet; one that ends is replaced. The argument is the port."""

from __future__ import annotations

import eventlet

eventlet.monkey_patch()

# ruff: noqa: E402
import os
import signal
import sys

import eventlet.wsgi

from forks.application import application  # Makes its breaker before the fork.

sock = eventlet.listen(("127.0.0.1", int(sys.argv[1])))
workers: set[int] = set()


def end(*_: object) -> None:
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    os._exit(0)


while True:
    while len(workers) < 2:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            eventlet.wsgi.server(sock, application, log_output=False)
            os._exit(0)
        workers.add(pid)
        signal.signal(signal.SIGTERM, end)
    workers.discard(os.wait()[0])
