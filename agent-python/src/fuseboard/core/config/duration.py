"""Durations as the Gateway API spells them (GEP-2257): ``30s``, ``1m30s``, ``250ms``."""

from __future__ import annotations

import re

MIN_DURATION_MS = 1
"""The shortest duration a policy may hold, in milliseconds."""

MAX_DURATION_MS = 86_400_000
"""The longest duration a policy may hold, in milliseconds: 24 h."""

_WHOLE = re.compile(r"([0-9]{1,5}(h|m|s|ms)){1,4}")
_PART = re.compile(r"([0-9]+)(h|ms|m|s)")
_UNIT_MS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}


def parse_duration(text: object) -> int | None:
    """Read a duration such as ``1m30s`` into milliseconds.

    ``None`` when the text is not a duration or lies outside 1 ms to 24 h.
    """
    if not isinstance(text, str) or _WHOLE.fullmatch(text) is None:
        return None
    total = sum(int(digits) * _UNIT_MS[unit] for digits, unit in _PART.findall(text))
    return total if MIN_DURATION_MS <= total <= MAX_DURATION_MS else None
