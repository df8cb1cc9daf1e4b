from __future__ import annotations

import json

import pytest

from fuseboard.link.event_stream import EventDecoder, Fault, StreamEvent
from fuseboard.link.messages import is_stored_set, read_message

TEXT = ": comment\nevent: policy\nid: 7\ndata: {\ndata:  1}\n\r\nretry: 5\rdata\r\r\nevent: é\ndata: ü😀\n\n".encode()
EVENTS = [StreamEvent("policy", "{\n 1}"), StreamEvent("message", ""), StreamEvent("é", "ü😀")]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1_000])
def test_reads_events_however_they_are_cut(size: int) -> None:
    decoder = EventDecoder()
    found = [event for at in range(0, len(TEXT), size) for event in decoder.decode(TEXT[at : at + size])]
    assert found == EVENTS


def test_replaces_bytes_that_are_not_utf8() -> None:
    assert EventDecoder().decode(b"\xef\xbb\xbfdata: a\xffb\n\n") == [StreamEvent("message", "a\ufffdb")]


@pytest.mark.parametrize(("event", "most"), [("policy", 128), ("routes", 4_096)])
def test_bounds_an_event(event: str, most: int) -> None:
    fits = f"event: {event}\ndata: {'x' * (most * 1_024 - 100)}\n\n".encode()
    assert len(EventDecoder().decode(fits)) == 1
    decoder = EventDecoder()
    decoder.decode(f"event: {event}\ndata: ".encode())
    with pytest.raises(Fault, match=f"longer than {most} KiB"):
        for _ in range(most + 1):
            decoder.decode(b"x" * 1_024)


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("begin", "{"),
        ("begin", "[]"),
        ("begin", '{"kind":"snapshot","revision":"r","now":NaN}'),
        ("begin", '{"kind":"snapshot","revision":"r","now":true}'),
        ("begin", '{"kind":"patch","revision":"r","now":1}'),
        ("begin", '{"kind":"snapshot","revision":"a b","now":1}'),
        ("begin", '{"kind":"snapshot","revision":"r","now":1,"asOf":{"policies":7}}'),
        ("begin", '{"kind":"snapshot","revision":"r","now":1,"asOf":{"policies":"٧"}}'),
        ("policy", '{"uid":"u","generation":1.5,"spec":{}}'),
        ("policy", '{"uid":"u","generation":1}'),
        ("policy", "[" * 100_000),
        ("routes", '[["a"]]'),
        ("goaway", '{"reconnectAfterMs":-1}'),
        ("override", '{"uid":"o","action":"Reset"}'),
        (
            "override",
            json.dumps(
                {
                    "uid": "o",
                    "name": "n",
                    "action": "Reset",
                    "breakers": ["a"] * 65,
                    "reason": "r",
                    "createdAt": 1,
                    "expiresAt": 2,
                }
            ),
        ),
    ],
)
def test_refuses_a_malformed_message(event: str, data: str) -> None:
    with pytest.raises(Fault, match=event):
        read_message(StreamEvent(event, data))


def test_passes_over_what_it_does_not_know() -> None:
    assert read_message(StreamEvent("weather", "sunny")) is None
    assert read_message(StreamEvent("override", '{"uid":"o","action":"Slow"}')) is None
    assert read_message(StreamEvent("routes", '[["a","u","more"]]')) == {
        "type": "routes",
        "routes": [["a", "u", "more"]],
    }


def test_knows_a_set_as_it_was_kept() -> None:
    kept = {"revision": "r", "asOf": {}, "routes": [], "policies": [], "rejections": []}
    assert is_stored_set(kept)
    assert not is_stored_set({**kept, "routes": [[1, 2]]})
    assert not is_stored_set({**kept, "policies": [{"uid": "u", "generation": 1, "spec": {}}]})
