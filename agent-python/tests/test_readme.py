"""The code in the README runs and prints what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"(?<!-->\n)^```python\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
PRINTS = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)


def test_there_are_blocks() -> None:
    assert len(BLOCKS) >= 3


@pytest.mark.parametrize("block", BLOCKS, ids=[f"block {i}" for i in range(len(BLOCKS))])
def test_block(block: str) -> None:
    source = Path(__file__).parents[1] / "src"
    run = [sys.executable, "-W", "error", "-c", block]
    ended = subprocess.run(
        run, capture_output=True, text=True, timeout=60, env={"PYTHONPATH": str(source)}, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == PRINTS.findall(block)
