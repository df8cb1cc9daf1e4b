"""Bytes of a ``text/event-stream`` to events."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

MAX_EVENT_LENGTH = 128 * 1024
"""The most characters that an event may hold, but for ``routes``, which is one event for a whole set."""
MAX_ROUTES_LENGTH = 4 * 1024 * 1024

_LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True)
class StreamEvent:
    """One event; ``message`` where the stream names none."""

    event: str
    data: str


class Fault(Exception):
    """The stream cannot be read any further; the text says why."""


class EventDecoder:
    """Events out of bytes, however these are cut into chunks.

    Bytes that are not UTF-8 become replacement characters; unknown fields and comments are skipped.
    """

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._is_first = True
        self._rest = bytearray()
        """The beginning of a line. A list of what may be single characters would take many times its length."""
        self._rest_length = 0
        self._after_return = False
        self._event = ""
        self._data: list[str] = []
        self._length = 0

    def decode(self, chunk: bytes) -> list[StreamEvent]:
        """The events that this chunk completes. Raises ``Fault`` when an event is longer than its bound."""
        text = self._utf8.decode(chunk)
        events: list[StreamEvent] = []
        if not text:
            return events
        if self._is_first:
            self._is_first = False
            text = text.removeprefix("\ufeff")
        start = 1 if self._after_return and text.startswith("\n") else 0
        self._after_return = text.endswith("\r")
        for end in _LINE_END.finditer(text, start):
            line = text[start : end.start()]
            if self._rest_length:
                line = self._rest.decode() + line
                self._rest.clear()
                self._rest_length = 0
            start = end.end()
            self._take(line, events)
        if start < len(text):
            self._rest += text[start:].encode()
            self._rest_length += len(text) - start
        self._bound(self._length + self._rest_length)
        return events

    def _take(self, line: str, events: list[StreamEvent]) -> None:
        if line == "":
            if self._data:
                events.append(StreamEvent(self._event or "message", "\n".join(self._data)))
            self._event = ""
            self._data = []
            self._length = 0
            return
        self._bound(self._length + len(line))
        if line.startswith(":"):
            return
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._event = value
        elif field == "data":
            self._data.append(value)
        elif field != "id":
            return
        self._length += len(line)
        self._bound(self._length)

    def _bound(self, length: int) -> None:
        most = MAX_ROUTES_LENGTH if self._event == "routes" else MAX_EVENT_LENGTH
        if length > most:
            raise Fault(f"an event is longer than {most // 1024} KiB")
