from __future__ import annotations

import re
from pathlib import Path

import fuseboard


def test_is_the_one_of_the_package() -> None:
    project = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert re.findall(r'^version = "(.+)"$', project, re.MULTILINE) == [fuseboard.__version__]
