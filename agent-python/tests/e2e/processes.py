"""The operator and a service, each as a process of its own."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from child_processes import discard

ROOT = Path(__file__).parents[3]
NODE = ROOT / "node_modules/node/bin/node"
SOURCE = Path(__file__).parents[2] / "src"
WAIT_S = 60.0


def eventually(look: Callable[[], Any], wanted: Any = True) -> None:
    """Return as soon as ``look`` gives what is wanted; what raises meanwhile is not there yet."""
    until = time.monotonic() + WAIT_S
    while True:
        try:
            found = look()
        except (OSError, LookupError) as error:
            found = error
        if found == wanted:
            return
        assert time.monotonic() < until, f"it is {found}, not {wanted}"
        time.sleep(0.02)


_given: set[int] = set()


def free_port() -> int:
    """A port that was free a moment ago, another one at each call.

    It is below those that systems give to connections, so that none is given it before a server listens there.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


class Operator:
    """``fuseboard serve`` on ports of 127.0.0.1 that stay the same when it is started again."""

    def __init__(self, policies: Path, log: Path, *args: str) -> None:
        self._ports = [free_port() for _ in range(3)]
        self._args = [f"--policies={policies}", "--agent-auth=none", "--admin-auth=none", *args]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._ports[0]}"

    def start(self) -> None:
        assert NODE.exists(), "the operator needs Node: run npm ci in the root of the repository"
        agents, metrics, admin = self._ports
        ports = [f"--port={agents}", f"--metrics-port={metrics}", f"--admin-port={admin}"]
        flags = ["--conditions=fuseboard-source", "--disable-warning=ExperimentalWarning"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(NODE), *flags, str(ROOT / "operator/src/main.ts"), "serve", *ports, *self._args],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={"PATH": os.environ["PATH"]},
            )
        eventually(lambda: self._get(metrics, "/readyz")[0], 200)

    def admin(self, path: str, body: Mapping[str, Any] | None = None, method: str | None = None) -> Any:
        return json.loads(self._get(self._ports[2], path, body, method)[1] or "null")

    def kill(self) -> None:
        if self._process is not None:
            discard(self._process)

    def _get(
        self, port: int, path: str, body: Mapping[str, Any] | None = None, method: str | None = None
    ) -> tuple[int, bytes]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, method=method)
        request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()


class Service:
    """``service.py`` as a process; ``environment`` is all that it gets."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", str(Path(__file__).with_name("service.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), **environment},
        )
        try:
            self.began_with: str = self._read()["beganWith"]
        except ValueError:
            self.kill()
            raise

    def ask(self, command: str, **more: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": command, **more}).encode() + b"\n")
        self._process.stdin.flush()
        return self._read()

    def call(self, breaker: str, *outcomes: str) -> Any:
        return self.ask("call", breaker=breaker, outcomes=outcomes)

    def stats(self, breaker: str) -> Any:
        return self.ask("stats", breaker=breaker)

    def end(self) -> int:
        """Let it end by itself, as a program that has nothing left to do."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            return self._process.wait(WAIT_S)
        finally:
            self.kill()

    def kill(self) -> None:
        discard(self._process)

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())
