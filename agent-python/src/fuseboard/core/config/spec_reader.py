"""Reading the fields of a spec, and noting what cannot be used."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from ..text import shown, utf16_length
from .duration import parse_duration

T = TypeVar("T")
W = TypeVar("W", bound=str)

ABSENT = object()


@dataclass(frozen=True)
class Problem:
    """Why a spec cannot be used: the dotted path of the field (from ``spec``), and what is wrong with it."""

    field: str
    message: str


class Section:
    """Reads the fields of one object of a spec.

    What is absent reads as the default given; what cannot be used is noted in ``problems``, shared by all sections of a
    spec, and reads as the default too. Fields that nobody asks for are ignored.
    """

    def __init__(self, value: object, path: str, problems: list[Problem] | None = None) -> None:
        self.problems: list[Problem] = [] if problems is None else problems
        self._path = path
        self._fields: Mapping[str, object] = {}
        if value is ABSENT:
            return
        if isinstance(value, Mapping):
            self._fields = value
        else:
            self.problems.append(Problem(path, f"must be an object; it is {shown(value)}"))

    def has(self, name: str) -> bool:
        return name in self._fields

    def require(self, *names: str) -> None:
        """Refuse the section when one of these fields is absent."""
        for name in names:
            if not self.has(name):
                self.problems.append(Problem(f"{self._path}.{name}", "is required"))

    def section(self, name: str) -> Section:
        return Section(self._fields.get(name, ABSENT), f"{self._path}.{name}", self.problems)

    def names(self) -> list[str]:
        return list(self._fields)

    def duration(self, name: str, absent: int) -> int:
        """A duration in milliseconds."""
        value = self._fields.get(name, ABSENT)
        if value is ABSENT:
            return absent
        ms = parse_duration(value)
        if ms is not None:
            return ms
        return self._refuse(name, value, "a duration such as 250ms, 30s or 1m30s, from 1ms to 24h", absent)

    def whole(self, name: str, maximum: int, absent: int, minimum: int = 1) -> int:
        """A whole number from ``minimum`` to ``maximum``."""
        value = self._fields.get(name, ABSENT)
        if value is ABSENT:
            return absent
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and minimum <= value <= maximum
            and value == int(value)
        ):
            return int(value)
        return self._refuse(name, value, f"a whole number from {minimum} to {maximum}", absent)

    def json(self, name: str) -> str:
        """Any value, as JSON text; ``null`` when it is absent."""
        value = self._fields.get(name)
        try:
            return json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            return self._refuse(name, value, "JSON", "null")

    def flag(self, name: str, absent: bool) -> bool:
        value = self._fields.get(name, ABSENT)
        if value is ABSENT:
            return absent
        return value if isinstance(value, bool) else self._refuse(name, value, "true or false", absent)

    def choice(self, name: str, words: tuple[W, ...], absent: W) -> W:
        """One of a few words."""
        value = self._fields.get(name, ABSENT)
        if value is ABSENT:
            return absent
        for word in words:
            if value == word:
                return word
        return self._refuse(name, value, f"one of {', '.join(words)}", absent)

    def text(self, name: str, pattern: re.Pattern[str], what: str) -> str | None:
        """A text that matches as a whole."""
        value = self._fields.get(name, ABSENT)
        if value is ABSENT:
            return None
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        return self._refuse(name, value, what, None)

    def texts(self, name: str, maximum: int, usable: Usable, what: str) -> tuple[str, ...] | None:
        """A list of at most ``maximum`` texts that can be used."""
        value = self._fields.get(name, ABSENT)
        if value is ABSENT:
            return None
        if not isinstance(value, list | tuple) or len(value) > maximum:
            return self._refuse(name, value, f"a list of at most {maximum}, each {what}", None)
        for i, item in enumerate(value):
            if not isinstance(item, str) or not usable.accepts(item):
                return self._refuse(f"{name}[{i}]", item, what, None)
        return tuple(value)

    def sections(self, name: str, maximum: int) -> list[Section]:
        """A list of at most ``maximum`` objects."""
        value = self._fields.get(name, ABSENT)
        if value is ABSENT:
            return []
        if not isinstance(value, list | tuple) or len(value) > maximum:
            return self._refuse(name, value, f"a list of at most {maximum} objects", [])
        return [Section(item, f"{self._path}.{name}[{i}]", self.problems) for i, item in enumerate(value)]

    def _refuse(self, name: str, value: object, wanted: str, absent: T) -> T:
        self.problems.append(Problem(f"{self._path}.{name}", f"must be {wanted}; it is {shown(value)}"))
        return absent


class Usable:
    """Which texts a list may hold: those that match as a whole, or those of a length in UTF-16 units."""

    def __init__(self, pattern: str = r"(?s:.*)", lengths: tuple[int, int] | None = None) -> None:
        self._pattern = re.compile(pattern)
        self._lengths = lengths

    def accepts(self, text: str) -> bool:

        if self._lengths is not None and not self._lengths[0] <= utf16_length(text) <= self._lengths[1]:
            return False
        return self._pattern.fullmatch(text) is not None
