"""What the operator says on the stream, checked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ..core.text import utf16_length
from .event_stream import Fault, StreamEvent
from .limits import MAX_OVERRIDE_BREAKERS, MAX_ROUTES

Fields = dict[str, Any]
Message = dict[str, Any]
"""The data of an event, with its name as ``type``; the list of ``routes`` is under that name."""

_REVISION = re.compile(r"[\x21-\x7e]{1,64}")
_VERSION = re.compile(r"[0-9]{1,20}")
_ACTIONS = ("ForceOpen", "ForceClosed", "Reset")
_MOST_EXACT = 2**53 - 1


def _is_text(value: object, most: int) -> bool:
    return isinstance(value, str) and utf16_length(value) <= most


def is_count(value: object) -> bool:
    """Whether it is a whole number from 0 that every language holds exactly."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= _MOST_EXACT and value == int(value)


def _is_revision(value: object) -> bool:
    return isinstance(value, str) and _REVISION.fullmatch(value) is not None


def _is_version(value: object) -> bool:
    return isinstance(value, str) and _VERSION.fullmatch(value) is not None and value.isascii()


def _is_as_of(value: object) -> bool:
    return isinstance(value, dict) and all(
        kind not in value or _is_version(value[kind]) for kind in ("policies", "overrides")
    )


def _is_route(value: object) -> bool:
    return isinstance(value, list) and len(value) >= 2 and _is_text(value[0], 128) and _is_text(value[1], 64)


def _is_routes(value: object) -> bool:
    return isinstance(value, list) and all(_is_route(each) for each in value)


def _is_hello(f: Fields) -> bool:
    url = f.get("reportUrl", "")
    return is_count(f.get("protocol")) and is_count(f.get("heartbeatMs")) and _is_text(url, 2_048)


def _is_begin(f: Fields) -> bool:
    kind = f.get("kind")
    return (
        (kind == "snapshot" or (kind == "patch" and _is_revision(f.get("base"))))
        and _is_revision(f.get("revision"))
        and is_count(f.get("now"))
        and ("asOf" not in f or _is_as_of(f["asOf"]))
        and isinstance(f.get("reset", False), bool)
    )


def _is_policy(f: Fields) -> bool:
    return (
        _is_text(f.get("uid"), 64)
        and is_count(f.get("generation"))
        and _is_text(f.get("name", ""), 253)
        and (f.get("hold") is True or "spec" in f)
    )


def _is_override(f: Fields) -> bool:
    breakers = f.get("breakers")
    return (
        _is_text(f.get("uid"), 64)
        and _is_text(f.get("name"), 253)
        and isinstance(breakers, list)
        and len(breakers) <= MAX_OVERRIDE_BREAKERS
        and all(_is_text(each, 128) for each in breakers)
        and _is_text(f.get("reason"), 256)
        and is_count(f.get("createdAt"))
        and is_count(f.get("expiresAt"))
    )


def _is_in_sync(f: Fields) -> bool:
    return _is_revision(f.get("revision")) and is_count(f.get("now")) and ("asOf" not in f or _is_as_of(f["asOf"]))


_CHECKS: dict[str, Callable[[Fields], bool]] = {
    "hello": _is_hello,
    "begin": _is_begin,
    "policy": _is_policy,
    "override": _is_override,
    "remove": lambda f: _is_text(f.get("uid"), 64),
    "commit": lambda f: _is_revision(f.get("revision")),
    "insync": _is_in_sync,
    "heartbeat": lambda f: "asOf" not in f or _is_as_of(f["asOf"]),
    "goaway": lambda f: is_count(f.get("reconnectAfterMs")),
}


def parse_json(text: str) -> object:
    """The value of a JSON text. Raises ``ValueError`` for any other, also for one that nests too deep to be read."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("it nests too deep") from error


class _TooManyRoutes(Exception):
    """Reading more would take long, and they are refused however many follow."""


def _parse_routes(text: str) -> object:
    """The same for ``routes``, one by one: until the parser ends, no other thread runs, and 4 MiB at once would stop every call."""
    at = _after_gap(text, 0)
    if text[at : at + 1] != "[":
        return parse_json(text[:_MAX_ROUTE_LENGTH])
    at = _after_gap(text, at + 1)
    found: list[object] = []
    separator = "," if text[at : at + 1] != "]" else "]"
    while separator == ",":
        if len(found) == MAX_ROUTES:
            raise _TooManyRoutes
        try:
            route, length = _DECODER.raw_decode(text[at : at + _MAX_ROUTE_LENGTH])
        except RecursionError as error:
            raise ValueError("it nests too deep") from error
        found.append(route)
        at = _after_gap(text, at + length)
        separator = text[at : at + 1]
        if separator == ",":
            at = _after_gap(text, at + 1)
    if separator != "]" or _after_gap(text, at + 1) != len(text):
        raise ValueError("it is no list of routes")
    return found


def _after_gap(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    assert gap is not None
    return gap.end()


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
_GAP = re.compile(r"[ \t\n\r]*")
_MAX_ROUTE_LENGTH = 4_096


def read_message(event: StreamEvent) -> Message | None:
    """One event of the stream; ``None`` for one that this version does not know. Raises ``Fault`` for a malformed one."""
    name = event.event
    if name != "routes" and name not in _CHECKS:
        return None
    try:
        body = _parse_routes(event.data) if name == "routes" else parse_json(event.data)
    except _TooManyRoutes:
        return {"type": "routes", "routes": None}
    except ValueError as error:
        raise Fault(f'the event "{name}" is not JSON') from error
    if name == "routes":
        if not _is_routes(body):
            raise Fault('the event "routes" is malformed')
        return {"type": name, "routes": body}
    if not isinstance(body, dict):
        raise Fault(f'the event "{name}" is malformed')
    # What a newer operator knows to do is not done, and not said to be done.
    if name == "override" and body.get("action") not in _ACTIONS:
        return None
    if not _CHECKS[name](body):
        raise Fault(f'the event "{name}" is malformed')
    return {**body, "type": name}


def is_stored_set(value: object) -> bool:
    """Whether JSON that was kept is a set as it was kept."""
    if not isinstance(value, dict):
        return False
    policies, rejections, overrides = value.get("policies"), value.get("rejections"), value.get("overrides", [])
    return (
        _is_revision(value.get("revision"))
        and _is_as_of(value.get("asOf"))
        and _is_routes(value.get("routes"))
        and isinstance(policies, list)
        and all(
            isinstance(p, dict) and "spec" in p and _is_text(p.get("name"), 253) and _is_policy(p) for p in policies
        )
        and isinstance(rejections, list)
        and all(isinstance(r, dict) and _is_rejection(r) for r in rejections)
        and isinstance(overrides, list)
        and all(isinstance(o, dict) and o.get("action") in _ACTIONS and _is_override(o) for o in overrides)
    )


def _is_rejection(f: Fields) -> bool:
    return is_count(f.get("generation")) and all(_is_text(f.get(name), 512) for name in ("uid", "field", "message"))
