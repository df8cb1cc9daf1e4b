"""The demo plays its story with the same two services in each language."""

from __future__ import annotations

import os
import subprocess

import pytest

from .processes import NODE, ROOT


@pytest.mark.timeout(600)
def test_the_story_is_the_same_in_both_languages() -> None:
    start = ROOT / "examples/offer-demo/start.ts"
    ended = subprocess.run(
        [str(NODE), "--conditions=fuseboard-source", str(start), "--once", "--python"],
        cwd=ROOT,
        # The environment of the services is made once, and needs what reaches a package index from here.
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = ended.stdout.splitlines()
    told = {language: [line for line in lines if line.startswith(f"- {language}: ")] for language in ("Node", "Python")}
    assert len(told["Node"]) == len(told["Python"]) >= 7
    assert lines[-1] == "The story went as it should."
