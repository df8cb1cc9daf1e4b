from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

import fuseboard
from child_processes import discard
from fuseboard.store import MemoryStore, RedisStore, SharedState, StateStore, share_state
from fuseboard.store.quorum import MemberCircuits, open_by_quorum, read_entry, write_entry
from fuseboard.testing import reset_breakers
from scripted_operator import eventually


@pytest.fixture(params=["memory", "redis", "redis decoded"])
def store(request: pytest.FixtureRequest, redis_port: int) -> Iterator[StateStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    client = redis.Redis(port=redis_port, socket_timeout=5, decode_responses=request.param != "redis")
    yield RedisStore(client, prefix=f"{request.param}:")
    client.close()


def test_keeps_one_entry_for_each_member_until_it_is_removed_or_expires(store: StateStore) -> None:
    assert store.all() == []
    store.put("a", "first of a", 600)
    store.put("b", "only of b", 600)
    store.put("a", "second of a", 600)
    assert sorted(store.all()) == ["only of b", "second of a"]
    store.put("b", "short", 0.001)
    eventually(lambda: store.all() == ["second of a"])
    store.remove("a")
    assert store.all() == []


def test_is_unaffected_by_what_others_left_in_redis(redis_port: int) -> None:
    with redis.Redis(port=redis_port, socket_timeout=5) as client:
        client.set("three:members", "not a set")
        with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
            RedisStore(client, "three:").all()
        client.sadd("four:members", "gone", "list")
        client.lpush("four:member:list", "x")
        assert RedisStore(client, "four:").all() == []
        assert client.exists("four:members") == 0


@pytest.mark.parametrize(
    ("opened", "closed", "minimum", "share", "is_open"),
    [(2, 0, 2, 50, True), (1, 0, 2, 50, False), (2, 2, 2, 50, True), (2, 3, 2, 50, False), (1, 9, 1, 10, True)],
)
def test_a_quorum_decides(opened: int, closed: int, minimum: int, share: float, is_open: bool) -> None:
    members = [MemberCircuits(["x"], ["x"])] * opened + [MemberCircuits([], ["x", "x"])] * closed
    assert open_by_quorum(members, minimum, share) == ({"x"} if is_open else set())


@pytest.mark.parametrize(
    "text",
    ["", "[]", "nonsense", '{"version":2,"open":[],"closed":[]}', '{"version":1,"open":[1],"closed":[]}', "[" * 99_999],
)
def test_whatever_cannot_be_an_entry_is_nobodys_opinion(text: str) -> None:
    assert read_entry(text) is None


def test_an_entry_is_that_of_the_node_agent() -> None:
    assert write_entry(MemberCircuits(["a"], ["b"])) == '{"version":1,"open":["a"],"closed":["b"]}'
    many = write_entry(MemberCircuits([str(i) for i in range(1_500)], [str(i) for i in range(1_500)]))
    found = read_entry(many)
    assert found is not None and (len(found.open), len(found.closed)) == (1_500, 500)


class SharingProcess:
    """This process as a member, with others that say what the test says."""

    def __init__(self) -> None:
        reset_breakers()
        self.time = 0.0
        self.store = MemoryStore(lambda: self.time)
        self.warnings: list[str] = []
        self.sharing: SharedState = share_state(
            self.store, interval=3_600, ttl=7_200, warn=self.warnings.append, now=lambda: self.time
        )

    def others(self, name: str, opened: int, closed: int) -> None:
        for i in range(opened + closed):
            circuits = MemberCircuits([name], []) if i < opened else MemberCircuits([], [name])
            self.store.put(f"other-{i}", write_entry(circuits), 3_600_000)
        self.sharing.exchange()


@pytest.fixture
def member() -> Iterator[SharingProcess]:
    made = SharingProcess()
    yield made
    made.sharing.stop()
    reset_breakers()


def fragile(name: str = "shared") -> fuseboard.Breaker:
    return fuseboard.get_breaker(name, {"trip": {"consecutiveFailures": 1}})


def state_of(breaker: fuseboard.Breaker) -> str:
    return breaker.state


def fail(breaker: fuseboard.Breaker) -> None:
    permit = breaker.enter()
    assert permit is not None
    permit.fail(ConnectionError())


def test_opens_what_enough_others_see_open_and_closes_it_when_they_no_longer_do(member: SharingProcess) -> None:
    breaker = fragile()
    member.others("shared", 2, 1)
    forced = breaker.stats().forced
    assert breaker.state == "open" and forced is not None and forced.reason == "other processes see it open"
    # It does not pass on as its own what others told it.
    member.sharing.exchange()
    own = [entry for entry in map(read_entry, member.store.all()) if entry is not None and "shared" in entry.closed]
    assert len(own) == 2
    member.others("shared", 1, 2)
    assert state_of(breaker) == "closed"


def test_says_that_a_circuit_opened_without_being_asked(member: SharingProcess) -> None:
    fail(fragile())
    eventually(
        lambda: any("shared" in entry.open for entry in map(read_entry, member.store.all()) if entry is not None)
    )


def test_leaves_alone_what_is_forced(member: SharingProcess) -> None:
    breaker = fragile()
    breaker.force_closed("drill", "1h")
    member.others("shared", 5, 0)
    assert breaker.state == "closed"


def test_decides_alone_when_the_store_fails_and_warns_once(member: SharingProcess) -> None:
    breaker = fragile()
    member.others("shared", 2, 0)
    failing: Callable[..., None] = lambda *args: (_ for _ in ()).throw(ConnectionError("gone"))  # noqa: E731
    member.store.put = failing  # type: ignore[method-assign]
    member.sharing.exchange()
    member.sharing.exchange()
    assert member.warnings == [
        "the store of shared states cannot be reached, breakers decide alone: ConnectionError: gone"
    ]
    assert breaker.state == "open"
    member.time = 7_201
    assert not member.sharing.connected


def test_takes_back_what_it_said_when_it_ends(member: SharingProcess) -> None:
    member.sharing.exchange()
    assert len(member.store.all()) == 1
    member.sharing.stop()
    assert member.store.all() == []


@pytest.mark.parametrize("options", [{"minimum_members": 0}, {"interval": 0}, {"ttl": 0.5}, {"ttl": 90_000}])
def test_refuses_numbers_that_cannot_be_used(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        share_state(MemoryStore(), **options)  # type: ignore[arg-type]


PROGRAM = """
import json, os, sys, redis, fuseboard
from fuseboard.store import RedisStore, share_state
client = redis.Redis(port=int(sys.argv[1]), socket_timeout=5)
breaker = fuseboard.get_breaker("shared", {"trip": {"consecutiveFailures": 1}, "recovery": {"openDuration": "10m"}})
sharing = share_state(RedisStore(client, "five:"), interval=0.02, ttl=2)
if sys.argv[2] == "forked":
    breaker.enter().succeed()
    pid = os.fork()
    if pid:
        sharing.stop()
        os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    breaker.enter().succeed()
for line in sys.stdin:
    if line.strip() == "fail":
        permit = breaker.enter()
        if permit: permit.fail(ConnectionError())
    print(json.dumps([breaker.state, breaker.stats().forced is not None]), flush=True)
sharing.stop()
client.close()
os._exit(0)
"""


def test_processes_share_over_a_real_redis_forked_ones_too(redis_port: int) -> None:
    source = Path(fuseboard.__file__).parents[1]
    members = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(redis_port), kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(source), "FUSEBOARD_URL": ""},
        )
        for kind in ("plain", "forked", "plain")
    ]

    def ask(i: int, what: str = "look") -> object:
        stdin, stdout = members[i].stdin, members[i].stdout
        assert stdin is not None and stdout is not None
        stdin.write(f"{what}\n")
        stdin.flush()
        return json.loads(stdout.readline())

    try:
        assert [ask(i) for i in range(3)] == [["closed", False]] * 3
        ask(0, "fail")
        # One alone opens nobody's circuit: the others have exchanged many times since.
        time.sleep(0.2)
        assert [ask(i) for i in range(3)] == [["open", False], ["closed", False], ["closed", False]]
        ask(1, "fail")
        eventually(lambda: ask(2) == ["open", True])
        for each in members:
            assert each.stdin is not None
            each.stdin.close()
            each.wait(60)
    finally:
        for each in members:
            discard(each)
