"""The published schema of the wire."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator

_FILE = Path(__file__).parents[2] / "crds/schema/wire.schema.json"
_VALIDATORS = {name: Draft202012Validator(schema) for name, schema in json.loads(_FILE.read_text())["$defs"].items()}


def faults_of(name: str, message: object) -> list[str]:
    """What is wrong with a message, with where; empty when nothing is."""
    errors = _VALIDATORS[name].iter_errors(message)
    return [f"{name} {'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]
