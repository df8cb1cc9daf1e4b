"""The plugin's fixtures, whether the package is installed or not, and a Redis."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest
import redis

from child_processes import ended_after
from e2e.processes import free_port
from fuseboard.testing.plugin import fresh_breakers, fuseboard_clock
from scripted_operator import eventually

__all__ = ["fresh_breakers", "fuseboard_clock", "redis_port"]


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    binary = shutil.which("redis-server")
    assert binary is not None, "this test needs redis-server: apt-get install redis-server"
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(
        [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    with ended_after(server):
        client = redis.Redis(port=port, socket_timeout=5)

        def answers() -> bool:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

        eventually(answers, "an answer of Redis")
        client.close()
        yield port
