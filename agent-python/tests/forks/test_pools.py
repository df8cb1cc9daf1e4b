"""Pools of processes, really started: every process is an agent, and the counts are exact."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from child_processes import ended_after
from fuseboard.testing import FakeControlPlane

from .planes import SOURCE, TESTS, boots, counted


def environment(plane: FakeControlPlane) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{SOURCE}:{TESTS}",
        "FUSEBOARD_URL": plane.url,
        "FUSEBOARD_SERVICE": "forking",
    }


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_multiprocessing_are_agents_and_count_exactly(method: str, plane: FakeControlPlane) -> None:
    run = [sys.executable, "-m", "forks.pools", method]
    ended = subprocess.run(run, env=environment(plane), capture_output=True, text=True, timeout=200, check=False)
    assert ended.returncode == 0, ended.stderr
    made = {int(pid): calls for pid, calls in json.loads(ended.stdout).items()}
    assert len(made) == 4
    plane.until(lambda p: counted(p) == Counter(made))
    # The one that stopped before it forked started no other link under its name.
    assert len(boots(plane)) == 4, "two processes share an identity, or one has two"


class Worker:
    def __init__(self, plane: FakeControlPlane, redis_port: int, log: Path, *options: str) -> None:
        self.env = {**environment(plane), "CELERY_REDIS": f"redis://127.0.0.1:{redis_port}/1"}
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "celery",
                    "--app=forks.celery_worker",
                    "worker",
                    "--pool=prefork",
                    "--concurrency=2",
                    "--loglevel=WARNING",
                    *options,
                ],
                env=self.env,
                stdout=file,
                stderr=file,
            )

    def pay(self, times: int) -> Counter[int]:
        """Let tasks run; how many ran in which process."""
        code = (
            "from forks.celery_worker import pay\n"
            f"print([each.get(timeout=120) for each in [pay.delay() for _ in range({times})]])"
        )
        ended = subprocess.run(
            [sys.executable, "-c", code], env=self.env, capture_output=True, text=True, timeout=150, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return Counter(json.loads(ended.stdout))


@pytest.fixture
def worker(plane: FakeControlPlane, redis_port: int, tmp_path: Path) -> Iterator[Worker]:
    started = Worker(plane, redis_port, tmp_path / "log")
    with ended_after(started.process):
        yield started


@pytest.mark.timeout(600)
def test_processes_of_celery_are_agents_and_count_exactly(worker: Worker, plane: FakeControlPlane) -> None:
    served: Counter[int] = Counter()
    until = time.monotonic() + 120
    while len(served) < 2:
        served += worker.pay(6)
        assert time.monotonic() < until
    plane.push({"payments": {"breakers": ["payments"], "trip": {"consecutiveFailures": 4}}})
    plane.until(lambda p: counted(p) == served)

    # One that is killed is replaced by one that begins at zero.
    killed = min(served)
    os.kill(killed, signal.SIGKILL)
    while len(served) < 3:
        served += worker.pay(6)
        assert time.monotonic() < until + 120
    plane.push({"payments": {"breakers": ["payments"], "trip": {"consecutiveFailures": 5}}})
    plane.until(lambda p: all(counted(p)[pid] == calls for pid, calls in served.items() if pid != killed))
    assert len(boots(plane)) == len(served), "two processes share an identity, or one has two"


@pytest.mark.timeout(600)
def test_a_process_of_celery_that_stops_its_agent_loses_no_count(
    plane: FakeControlPlane, redis_port: int, tmp_path: Path
) -> None:
    served: Counter[int] = Counter()
    worker = Worker(plane, redis_port, tmp_path / "log", "--max-tasks-per-child=3")
    with ended_after(worker.process):
        until = time.monotonic() + 120
        while len(served) < 5:
            served += worker.pay(6)
            assert time.monotonic() < until
    plane.until(lambda p: counted(p) == served)
    assert set(Counter(pid for pid, _ in boots(plane)).values()) == {1}, "a process has two identities"


def test_a_process_that_stops_its_agent_at_its_exit_loses_no_count(plane: FakeControlPlane) -> None:
    code = """
import atexit, fuseboard
payments = fuseboard.get_breaker("payments")
agent = fuseboard.start()
atexit.register(agent.stop, 20)
atexit.register(payments.call, lambda: None)
payments.call(lambda: None)
assert agent.ready(60) == "Live"
"""
    run = [sys.executable, "-W", "error", "-c", code]
    ended = subprocess.run(run, env=environment(plane), capture_output=True, text=True, timeout=100, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert list(counted(plane).values()) == [2]
