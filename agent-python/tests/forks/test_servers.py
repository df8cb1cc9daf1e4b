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
from contextlib import contextmanager
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
RECYCLING = {
    "gunicorn sync": [*SERVERS["gunicorn sync"], "--max-requests=5", "--config=python:forks.gunicorn_hooks"],
    "gunicorn gthread": [*SERVERS["gunicorn gthread"], "--max-requests=5", "--config=python:forks.gunicorn_hooks"],
    "uwsgi": [
        *SERVERS["uwsgi"][:-1],
        "--module=forks.uwsgi_application",
        "--max-requests=5",
        "--min-worker-lifetime=0",
    ],
    "uvicorn": [*SERVERS["uvicorn"], "--limit-max-requests=5"],
}
"""Servers that replace a worker after five requests, each with the hook in which a worker stops its agent."""

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


@contextmanager
def started(arguments: list[str], plane: FakeControlPlane, log: Path) -> Iterator[Server]:
    server = Server(arguments, plane, log)
    with ended_after(server.process, signal.SIGQUIT if arguments[0] == "uwsgi" else signal.SIGTERM):
        yield server


@pytest.fixture(params=list(SERVERS))
def server(request: pytest.FixtureRequest, plane: FakeControlPlane, tmp_path: Path) -> Iterator[Server]:
    with started(SERVERS[request.param], plane, tmp_path / "log") as server:
        yield server


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


@pytest.mark.parametrize("name", RECYCLING)
def test_a_worker_that_stops_its_agent_loses_no_count(name: str, plane: FakeControlPlane, tmp_path: Path) -> None:
    with started(RECYCLING[name], plane, tmp_path / "log") as server:
        eventually(server.ask)
        until = time.monotonic() + 120
        while len(server.served) < 5:
            server.ask()
            # What stops before it is connected can report nothing.
            plane.until(lambda p: {pid_of(report) for report in p.reports} >= set(server.served))
            assert time.monotonic() < until
    # The server has ended with its last workers; the ones before ended after five requests.
    plane.until(lambda p: counted(p) == server.served)
    assert set(Counter(pid for pid, _ in boots(plane)).values()) == {1}, "a process has two identities"
