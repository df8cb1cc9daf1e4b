"""What the messages of an operator may take of this process."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from fuseboard.link.event_stream import EventDecoder, Fault, StreamEvent
from fuseboard.link.limits import MAX_POLICIES, MAX_ROUTES
from fuseboard.link.messages import is_stored_set, read_message
from fuseboard.link.policy_store import Committed, PolicyStore, Refused


def routes(text: str) -> Any:
    message = read_message(StreamEvent("routes", text))
    assert message is not None
    return message["routes"]


@pytest.mark.parametrize(
    "text",
    ["[]", " [ ] ", '[["a","u"]]', '\n[ ["a", "u"] ,\t["b*","v",{"x":[1]}] ]\r\n', '[["a,]","u\\"]"]]'],
)
def test_routes_are_read_one_by_one_as_any_json(text: str) -> None:
    assert routes(text) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "]",
        "[,]",
        '[["a","u"],]',
        '[["a","u"]',
        '[["a","u"]]]',
        '[["a","u"] ["b","v"]]',
        '[["a",NaN]]',
        "{}",
        "7",
    ],
)
def test_what_is_no_list_of_routes_ends_the_stream(text: str) -> None:
    with pytest.raises(Fault, match='"routes" is'):
        routes(text)


@pytest.mark.parametrize("nested", ["[" * 100_000, f"[[{','.join(['[]'] * 10_000)}]]", "[" + "[" * 4_000])
def test_one_huge_route_is_not_parsed(nested: str) -> None:
    with pytest.raises(Fault, match='"routes" is'):
        routes(nested)


def test_more_routes_than_the_operator_sends_are_not_parsed() -> None:
    fits = ",".join(['["a","u"]'] * MAX_ROUTES)
    assert len(routes(f"[{fits}]")) == MAX_ROUTES
    assert routes(f'[{fits},["a","u"]]') is None


def test_too_many_routes_are_refused_whole() -> None:
    store = PolicyStore(lambda: 0.0)
    store.take({"type": "begin", "kind": "snapshot", "revision": "r1", "now": 0})
    store.take({"type": "policy", "uid": "u", "generation": 3, "spec": {"breakers": ["a"]}})
    store.take({"type": "routes", "routes": None})
    assert isinstance(store.take({"type": "commit", "revision": "r1"}), Refused)
    [rejection] = store.rejections
    assert (rejection["uid"], rejection["generation"]) == ("u", 3)
    assert f"more than {MAX_ROUTES} routes for one process" in rejection["message"]


def test_single_characters_take_no_more_than_what_they_make() -> None:
    decoder = EventDecoder()
    decoder.decode(b"event: routes\ndata: ")
    tracemalloc.start()
    try:
        for _ in range(20_000):
            decoder.decode("支".encode())
        assert tracemalloc.get_traced_memory()[1] < 12 * 20_000
    finally:
        tracemalloc.stop()
    assert decoder.decode(b"\n\n")[0].data == "支" * 20_000


def test_policies_that_cannot_be_used_do_not_pile_up_over_changes() -> None:
    store = PolicyStore(lambda: 0.0)
    unusable = {"breakers": ["a"], "mode": "Nonsense"}
    outcome: object = None
    base = ""
    for number in range(3):
        revision = f"r{number}"
        kind = {"kind": "patch", "base": base} if base else {"kind": "snapshot"}
        store.take({"type": "begin", "revision": revision, "now": 0, **kind})
        for i in range(MAX_POLICIES):
            store.take({"type": "policy", "uid": f"{number}-{i}", "generation": 1, "spec": unusable})
        store.take({"type": "routes", "routes": []})
        outcome = store.take({"type": "commit", "revision": revision})
        if isinstance(outcome, Committed):
            base = revision
    assert base == "r0" and isinstance(outcome, Refused)
    assert len(store.rejections) <= MAX_POLICIES + 1


def test_a_kept_set_has_a_spec_for_each_policy() -> None:
    kept: dict[str, Any] = {"revision": "r", "asOf": {}, "routes": [], "rejections": [], "policies": []}
    policy = {"uid": "u", "generation": 1, "name": "n"}
    assert is_stored_set({**kept, "policies": [{**policy, "spec": {}}]})
    assert not is_stored_set({**kept, "policies": [{**policy, "hold": True}]})
