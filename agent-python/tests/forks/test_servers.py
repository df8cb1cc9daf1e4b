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
from pathlib import Path
from typing import Any

import pytest

import fuseboard
from e2e.processes import free_port
from fuseboard.testing import FakeControlPlane
from scripted_operator import eventually

SOURCE = Path(fuseboard.__file__).parents[1]
TESTS = Path(__file__).parents[1]
APPLICATION = "forks.application:application"
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
}


class Server:
    def __init__(self, arguments: list[str], plane: FakeControlPlane, log: Path) -> None:
        self._port = free_port()
        self.served: Counter[int] = Counter()
        program = Path(sys.executable).with_name(arguments[0])
        assert program.exists(), f"this test needs {arguments[0]}: pip install gunicorn gevent uwsgi"
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
                self.served[int(response.read())] += 1
        except OSError:
            return False
        return True

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM if "gunicorn" in str(self.process.args) else signal.SIGQUIT)
        try:
            self.process.wait(60)
        finally:
            self.process.kill()


@pytest.fixture(params=list(SERVERS))
def server(request: pytest.FixtureRequest, plane: FakeControlPlane, tmp_path: Path) -> Iterator[Server]:
    started = Server(SERVERS[request.param], plane, tmp_path / "log")
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture
def plane() -> Iterator[FakeControlPlane]:
    with FakeControlPlane() as started:
        started.push({"payments": {"breakers": ["payments"], "trip": {"consecutiveFailures": 3}}})
        yield started


def pid_of(report: dict[str, Any]) -> int:
    return int(report["instance"].split("/")[1])


def counted(plane: FakeControlPlane) -> Counter[int]:
    """What each process reported last, by pid."""
    found: Counter[int] = Counter()
    for report in list(plane.reports):
        for breaker in report["breakers"]:
            found[pid_of(report)] = breaker["totals"]["succeeded"]
    return found


def test_every_worker_is_an_agent_and_counts_exactly(server: Server, plane: FakeControlPlane) -> None:
    eventually(server.ask)
    until = time.monotonic() + 60
    while len(server.served) < 2:
        assert server.ask() and time.monotonic() < until
    first = set(server.served)
    plane.until(lambda p: {pid_of(report) for report in p.reports} >= first)
    # A change makes every worker report at once.
    plane.push({"payments": {"breakers": ["payments"], "trip": {"consecutiveFailures": 4}}})
    plane.until(lambda p: counted(p) == server.served)
    boots = {(pid_of(report), report["boot"]) for report in plane.reports}
    assert len(boots) == len(first), "two processes share an identity, or one has two"

    # One that is killed is replaced by one that begins at zero.
    os.kill(min(first), signal.SIGKILL)
    until = time.monotonic() + 60
    while len(server.served) < 3:
        server.ask()
        assert time.monotonic() < until
    (successor,) = set(server.served) - first
    plane.until(lambda p: any(pid_of(report) == successor for report in p.reports))
    plane.push({"payments": {"breakers": ["payments"], "trip": {"consecutiveFailures": 5}}})
    living = (max(first), successor)
    plane.until(lambda p: all(counted(p)[pid] == server.served[pid] for pid in living))
