"""The scenarios of the schema, which every agent replays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "crds" / "schema" / "scenarios"


def scenarios(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    return [(path.name, yaml.safe_load(path.read_text("utf-8"))) for path in sorted(folder.glob("*.yaml"))]


def names_in(folder: Path) -> list[str]:
    """Every file of a folder of scenarios but its description."""
    return sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != "README.md")
