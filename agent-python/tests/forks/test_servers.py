"""Servers that fork, really started: every worker is an agent, and the counts are exact."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import pytest

from child_processes import ended_after
from e2e.processes import free_port
from fuseboard.testing import FakeControlPlane
from scripted_operator import eventually

from .planes import SOURCE, TESTS, boots, counted, pid_of

APPLICATION = "forks.application:application"
ASGI_APPLICATION = "forks.asgi_application:application"
SERVERS = {
    "gunicorn sync": ["gunicorn", "--workers=2", "--bind=127.0.0.1:{port}", APPLICATION],
    "gunicorn preload": ["gunicorn", "--workers=2", "--preload", "--bind=127.0.0.1:{port}", APPLICATION],
    "gunicorn gthread": ["gunicorn", "--workers=2", "--threads=4", "--bind=127.0.0.1:{port}", APPLICATION],
    "gunicorn gevent": ["gunicorn", "--workers=2", "--worker-class=gevent", "--bind=127.0.0.1:{port}", APPLICATION],
    "gunicorn gevent preload": [
        "gunicorn",
        "--workers=2",
        "--worker-class=gevent",
        "--preload",
        "--bind=127.0.0.1:{port}",
        APPLICATION,
    ],
    "uwsgi": [
        "uwsgi",
        "--master",
        "--enable-threads",
        "--processes=2",
        "--http-socket=127.0.0.1:{port}",
        f"--module={APPLICATION}",
    ],
    "eventlet": ["python", "-m", "forks.eventlet_server", "{port}"],
    "uvicorn": ["uvicorn", "--workers=2", "--port={port}", "--log-level=warning", ASGI_APPLICATION],
    "hypercorn": ["hypercorn", "--workers=2", "--bind=127.0.0.1:{port}", ASGI_APPLICATION],
}
ENDS_WITH_A_WORKER = "hypercorn"
"""Whose server ends when one of its workers is killed."""


class Server:
    def __init__(self, arguments: list[str], plane: FakeControlPlane, log: Path) -> None:
        self._port = free_port()
        self.served: Counter[int] = Counter()
        self._counting = Lock()
        program = Path(sys.executable).with_name(arguments[0])
        assert program.exists(), f"this test needs {arguments[0]}: pip install -r tests/requirements.txt"
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [str(program), *(each.format(port=self._port) for each in arguments[1:])],
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": f"{SOURCE}:{TESTS}",
                    "FUSEBOARD_URL": plane.url,
                    "FUSEBOARD_SERVICE": "forking",
                },
                stdout=file,
                stderr=file,
            )

    def ask(self) -> bool:
        """One request; whether it was served."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/", timeout=60) as response:
                pid = int(response.read())
        except OSError:
            return False
        with self._counting:
            self.served[pid] += 1
        return True

    def ask_at_once(self) -> None:
        """As many requests at once as it takes to reach more than one worker."""
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: self.ask(), range(16)))


@pytest.fixture(params=list(SERVERS))
def server(request: pytest.FixtureRequest, plane: FakeControlPlane, tmp_path: Path) -> Iterator[Server]:
    started = Server(SERVERS[request.param], plane, tmp_path / "log")
    with ended_after(started.process, signal.SIGQUIT if request.param == "uwsgi" else signal.SIGTERM):
        yield started


def test_every_worker_is_an_agent_and_counts_exactly(server: Server, plane: FakeControlPlane) -> None:
    eventually(server.ask)
    until = time.monotonic() + 60
    while len(server.served) < 2:
        server.ask_at_once()
        assert time.monotonic() < until
    first = set(server.served)
    plane.until(lambda p: {pid_of(report) for report in p.reports} >= first)
    # A change makes every worker report at once.
    plane.push({"payments": {"breakers": ["payments"], "trip": {"consecutiveFailures": 4}}})
    plane.until(lambda p: counted(p) == server.served)
    assert len(boots(plane)) == len(first), "two processes share an identity, or one has two"
    if ENDS_WITH_A_WORKER in str(server.process.args):
        return

    # One that is killed is replaced by one that begins at zero.
    os.kill(min(first), signal.SIGKILL)
    until = time.monotonic() + 60
    while len(server.served) < 3:
        server.ask_at_once()
        assert time.monotonic() < until
    (successor,) = set(server.served) - first
    plane.until(lambda p: any(pid_of(report) == successor for report in p.reports))
    plane.push({"payments": {"breakers": ["payments"], "trip": {"consecutiveFailures": 5}}})
    living = (max(first), successor)
    plane.until(lambda p: all(counted(p)[pid] == server.served[pid] for pid in living))
