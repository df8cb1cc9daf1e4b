"""Forks of a process while threads of the agent do what a child must not find in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fuseboard

PROGRAM = """
import json, os, sys, threading
from fuseboard.link import fork

fork.LONGEST_WAIT_S = float(sys.argv[1])
entered, may_leave, has_left = threading.Event(), threading.Event(), threading.Event()

def busy():
    with fork.no_fork():
        entered.set()
        may_leave.wait()
        has_left.set()

threading.Thread(target=busy, daemon=True).start()
entered.wait()
if sys.argv[2] == "leaves":
    threading.Timer(0.05, may_leave.set).start()
pid = os.fork()
if pid == 0:
    # The child has none of it under way, and begins its own without a wait.
    with fork.no_fork():
        os._exit(0 if has_left.is_set() == (sys.argv[2] == "leaves") else 3)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
may_leave.set()
with fork.no_fork():
    print(json.dumps(status), flush=True)
"""


@pytest.mark.parametrize(("longest", "what"), [("60", "leaves"), ("0.05", "stays")])
def test_a_fork_waits_for_what_is_under_way_but_not_for_ever(longest: str, what: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, longest, what],
        stdout=subprocess.PIPE,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(fuseboard.__file__).parents[1]), "FUSEBOARD_URL": ""},
        check=True,
    )
    assert json.loads(answer.stdout) == 0
