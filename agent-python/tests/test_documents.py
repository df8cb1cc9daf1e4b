"""The blocks of Python in the guides."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fuseboard

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(?P<mark><!-- not-run: [^\n]+ -->\n)?```python\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    (f"{path.name}:{text[: found.start()].count(chr(10)) + 1}", found["code"])
    for path in sorted((ROOT / "docs").glob("*.md"))
    for text in [path.read_text("utf-8")]
    for found in BLOCK.finditer(text)
    if found["mark"] is None
]


def test_the_guides_have_blocks_of_python() -> None:
    assert len(BLOCKS) >= 12


@pytest.mark.parametrize("code", [code for _, code in BLOCKS], ids=[where for where, _ in BLOCKS])
def test_block_runs(code: str, tmp_path: Path) -> None:
    source = Path(fuseboard.__file__).parents[1]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(source), "PYTHONWARNINGS": "error::fuseboard.FuseboardWarning"}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
