"""Text as the wire counts and shows it: lengths in UTF-16 units, values as JSON writes them."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping, Sequence


def utf16_length(text: str) -> int:
    """How many UTF-16 code units a text takes; limits of the contract are in these."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, units: int) -> str:
    """The first ``units`` UTF-16 code units of a text."""
    if text.isascii():
        return text[:units]
    return text.encode("utf-16-le", "surrogatepass")[: units * 2].decode("utf-16-le", "surrogatepass")


_UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Control characters, bidirectional and zero-width marks, half surrogate pairs, and line separators."""


def printable(text: str) -> str:
    """Escape, as JSON does, every character that could move a cursor, begin a line or disguise text in a terminal."""
    if text.isprintable():
        return text
    return "".join(_escaped(each) if unicodedata.category(each) in _UNPRINTABLE else each for each in text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def number_text(value: float) -> str:
    """A number as ECMAScript and JSON write it."""
    if isinstance(value, int) and abs(value) > 2**53:
        try:
            value = float(value)
        except OverflowError:
            value = math.inf if value > 0 else -math.inf
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) and abs(value) < 1e21):
        return str(int(value))
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return _fraction_text(value)


def _fraction_text(value: float) -> str:
    digits, _, exponent = repr(value).partition("e")
    if not exponent:
        return digits
    power = int(exponent)
    if -7 < power < 0:
        return f"{value:.{len(digits.replace('.', '').replace('-', '')) - 1 - power}f}"
    return f"{digits}e{'+' if power > 0 else '-'}{abs(power)}"


def shown(value: object) -> str:
    """What a refused value is, for a message; long texts are cut."""
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        text = number_text(value)
    elif isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, Mapping):
        return "an object"
    elif isinstance(value, type):
        text = f"the class {value.__name__}"
    else:
        text = f"of the type {type(value).__name__}"
    return f"{cut(text, 64)}…" if utf16_length(text) > 64 else text


_MAX_DISTANCE = 3
"""The largest edit distance of a suggestion."""


def hint_for(name: str, known: Sequence[str]) -> str:
    """What was meant by a name that is not known, else all that are; the same for every language."""
    best = None
    least = min(_MAX_DISTANCE, math.ceil(len(name) / 2)) + 1
    for each in known:
        distance = _distance(name[:64].lower(), each.lower())
        if distance < least:
            best, least = each, distance
    return f"it has {', '.join(known)}" if best is None else f"did you mean {best}?"


def _distance(a: str, b: str) -> int:
    """How many letters have to be added, removed or replaced (V. Levenshtein, 1966)."""
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        above, row = row, [i]
        for j, other in enumerate(b, 1):
            row.append(min(above[j - 1] + (letter != other), above[j] + 1, row[j - 1] + 1))
    return row[-1]
