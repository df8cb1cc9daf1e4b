"""The policies of this process, as the operator sends them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..breakers.policy_set import Origin, Override, Policy, PolicySet, UnusableSpec
from ..core.text import cut
from .limits import MAX_DURATION_MS, MAX_OVERRIDES, MAX_POLICIES, MAX_POLICY_BYTES, MAX_ROUTES
from .messages import Message

ResourceVersions = Mapping[str, str]
"""The newest that was seen of ``policies`` and ``overrides``: decimal strings, compared as integers."""
Rejection = dict[str, Any]
"""A policy that cannot be used, as a report says it: uid, generation, field and message."""
StoredSet = dict[str, Any]
"""A set as it outlives the process, in JSON; the ends of its overrides are on the wall clock."""
Routes = list[tuple[str, str]]


@dataclass(frozen=True)
class Committed:
    """What governs from now on."""

    policy_set: PolicySet
    overrides: list[Override]
    reset: bool = False
    """Floors were given up on the operator's word."""


@dataclass(frozen=True)
class Refused:
    """The set was too large and nothing of it is used."""

    message: str


@dataclass(frozen=True)
class Reconnect:
    """The stream is of no use."""

    message: str
    needs_snapshot: bool
    """Everything must be sent again."""


Outcome = Committed | Refused | Reconnect | None


@dataclass
class _Staged:
    revision: str
    as_of: ResourceVersions
    reset: bool
    ahead_ms: float
    """What the operator's clock shows more than the monotonic clock of this process."""
    policies: dict[str, Policy] = field(default_factory=dict)
    rejections: dict[str, Rejection] = field(default_factory=dict)
    overrides: dict[str, Message] = field(default_factory=dict)
    routes: Routes = field(default_factory=list)
    received: int = 0
    size: int = 0
    excess: Rejection | None = None


class PolicyStore:
    """Stages what comes between ``begin`` and ``commit``, and keeps the floors.

    What runs never goes back to an older generation or to a policy that was already gone, but by ``reset``. ``now`` is the
    monotonic clock on which overrides end, ``wall_now`` the one of overrides that an earlier process kept; both in milliseconds.
    """

    def __init__(self, now: Callable[[], float], wall_now: Callable[[], float] = lambda: time.time() * 1_000) -> None:
        self._now = now
        self._wall_now = wall_now
        self._set: PolicySet | None = None
        self._events: dict[str, Message] = {}
        """The overrides of the set, as they came."""
        self._overrides: list[Override] = []
        self._rejections: dict[str, Rejection] = {}
        self._excess: Rejection | None = None
        self._as_of: ResourceVersions = {}
        self._staged: _Staged | None = None

    @property
    def policy_set(self) -> PolicySet | None:
        """What governs now."""
        return self._set

    @property
    def overrides(self) -> list[Override]:
        return self._overrides

    @property
    def rejections(self) -> list[Rejection]:
        """What was sent and cannot be used; the last good version of each stays in force."""
        each = list(self._rejections.values())
        return each if self._excess is None else [self._excess, *each]

    @property
    def as_of(self) -> ResourceVersions:
        return self._as_of

    @property
    def resume_from(self) -> str | None:
        """What the operator need not send again; ``None`` while something that it sent could not be used."""
        held = self._set
        if held is None or held.origin == "bootstrap" or self.rejections:
            return None
        return held.revision

    def restore(self, stored: StoredSet, origin: Literal["last-good", "bootstrap"]) -> Committed:
        """Take a set that did not come from the stream. A policy in it that cannot be used is a rejection."""
        policies: dict[str, Policy] = {}
        self._rejections = {each["uid"]: each for each in stored["rejections"]}
        for each in stored["policies"]:
            result = _usable(each["uid"], int(each["generation"]), each["name"], each["spec"], None)
            if isinstance(result, Policy):
                policies[result.uid] = result
            else:
                self._rejections[each["uid"]] = result
        self._as_of = {kind: stored["asOf"][kind] for kind in ("policies", "overrides") if kind in stored["asOf"]}
        self._events = {each["uid"]: each for each in stored.get("overrides", [])}
        ahead_ms = self._wall_now() - self._now()
        return self._govern(stored["revision"], origin, _routes(stored["routes"]), policies, ahead_ms)

    def stored(self) -> StoredSet | None:
        """The set that governs, to be kept for the next process."""
        held = self._set
        if held is None:
            return None
        kept: StoredSet = {
            "revision": held.revision,
            "asOf": dict(self._as_of),
            "routes": [list(each) for each in held.routes],
            "policies": [
                {"uid": p.uid, "generation": p.generation, "name": p.name, "spec": p.spec}
                for p in held.policies.values()
            ],
            "rejections": list(self._rejections.values()),
        }
        if self._events:
            kept["overrides"] = list(self._events.values())
        return kept

    def abandon(self) -> None:
        """The stream broke: what it began and did not commit is forgotten."""
        self._staged = None

    def take(self, message: Message) -> Outcome:
        kind = message["type"]
        if kind == "begin":
            return self._begin(message)
        if kind == "commit":
            return self._commit(message["revision"])
        if kind == "insync":
            return self._in_sync(message)
        if kind == "heartbeat":
            self._as_of = _highest(self._as_of, message.get("asOf", {}))
            return None
        if kind not in ("policy", "override", "remove", "routes"):
            return None
        staged = self._staged
        if staged is None:
            return Reconnect("a change came without its beginning", needs_snapshot=True)
        if staged.excess is None:
            self._stage(staged, kind, message)
        return None

    def _begin(self, message: Message) -> Outcome:
        self._staged = None
        is_snapshot = message["kind"] == "snapshot"
        voids = message.get("reset", False) and is_snapshot
        as_of = message.get("asOf", {})
        if not voids and is_behind(as_of, self._as_of):
            return Reconnect("it is behind what this process has already seen", needs_snapshot=False)
        staged = _Staged(message["revision"], as_of, voids, message["now"] - self._now())
        if not is_snapshot:
            held = self._set
            if held is None or held.origin == "bootstrap" or held.revision != message["base"]:
                return Reconnect("it changes a revision that this process does not run", needs_snapshot=True)
            staged.policies = dict(held.policies)
            staged.rejections = dict(self._rejections)
            staged.overrides = dict(self._events)
            staged.routes = list(held.routes)
            staged.size = sum(_size(each) for each in held.policies.values())
        self._staged = staged
        return None

    def _stage(self, staged: _Staged, kind: str, message: Message) -> None:
        if kind == "policy":
            self._stage_policy(staged, message)
        elif kind == "override":
            uid = message["uid"]
            staged.overrides[uid] = {name: value for name, value in message.items() if name != "type"}
            if len(staged.overrides) > MAX_OVERRIDES:
                staged.excess = _excess(uid, 0, f"{MAX_OVERRIDES} overrides", "end some of them")
        elif kind == "remove":
            gone = staged.policies.pop(message["uid"], None)
            if gone is not None:
                staged.size -= _size(gone)
            staged.overrides.pop(message["uid"], None)
            staged.rejections.pop(message["uid"], None)
        elif message["routes"] is None:
            uid, generation = next(((each.uid, each.generation) for each in staged.policies.values()), ("", 0))
            staged.excess = _excess(uid, generation, f"{MAX_ROUTES} routes", "narrow the selectors")
        else:
            staged.routes = _routes(message["routes"])

    def _stage_policy(self, staged: _Staged, message: Message) -> None:
        uid, generation = message["uid"], int(message["generation"])
        name = str(message.get("name", uid))
        running = None if self._set is None else self._set.policies.get(uid)
        before = staged.policies.get(uid)
        if before is not None:
            staged.size -= _size(before)
        staged.rejections.pop(uid, None)
        is_older = not staged.reset and generation != 0 and running is not None and generation < running.generation
        governs = running
        if not (message.get("hold") or is_older):
            result = _usable(uid, generation, name, message["spec"], running)
            if isinstance(result, Policy):
                governs = result
            else:
                staged.rejections[uid] = result
        if governs is not None:
            staged.policies[uid] = governs
            staged.size += _size(governs)
        staged.received += 1
        if max(len(staged.policies), len(staged.rejections), staged.received) > MAX_POLICIES:
            staged.excess = _excess(uid, generation, f"{MAX_POLICIES} policies", "narrow the selectors")
        elif staged.size > MAX_POLICY_BYTES:
            what = f"{MAX_POLICY_BYTES // 2**20} MiB of policies"
            staged.excess = _excess(uid, generation, what, "narrow the selectors")
        if staged.excess is not None:
            staged.policies.clear()
            staged.rejections.clear()

    def _commit(self, revision: str) -> Outcome:
        staged, self._staged = self._staged, None
        if staged is None or staged.revision != revision:
            return Reconnect("it committed a revision that it did not begin", needs_snapshot=True)
        self._excess = staged.excess
        if staged.excess is not None:
            return Refused(staged.excess["message"])
        self._rejections = staged.rejections
        self._as_of = dict(staged.as_of) if staged.reset else _highest(self._as_of, staged.as_of)
        self._events = staged.overrides
        committed = self._govern(revision, "stream", staged.routes, staged.policies, staged.ahead_ms)
        return Committed(committed.policy_set, committed.overrides, staged.reset)

    def _in_sync(self, message: Message) -> Outcome:
        held = self._set
        if held is None or held.revision != message["revision"]:
            return Reconnect("it takes this process for one that runs another revision", needs_snapshot=True)
        self._as_of = _highest(self._as_of, message.get("asOf", {}))
        ahead_ms = message["now"] - self._now()
        return self._govern(held.revision, "stream", list(held.routes), dict(held.policies), ahead_ms)

    def _govern(
        self, revision: str, origin: Origin, routes: Routes, policies: dict[str, Policy], ahead_ms: float
    ) -> Committed:
        self._overrides = _ending(self._events.values(), ahead_ms, self._now())
        self._set = PolicySet(revision, policies, routes, origin)
        return Committed(self._set, self._overrides)


def is_behind(as_of: ResourceVersions, floor: ResourceVersions) -> bool:
    """Whether ``as_of`` lies before ``floor``; what either does not know is not compared."""
    return any(
        kind in as_of and kind in floor and int(as_of[kind]) < int(floor[kind]) for kind in ("policies", "overrides")
    )


def _highest(a: ResourceVersions, b: ResourceVersions) -> ResourceVersions:
    found: dict[str, str] = {}
    for kind in ("policies", "overrides"):
        known = [each[kind] for each in (a, b) if kind in each]
        if known:
            found[kind] = max(known, key=int)
    return found


def _ending(events: Iterable[Message], ahead_ms: float, now: float) -> list[Override]:
    return [
        Override(
            uid=each["uid"],
            name=each["name"],
            breakers=each["breakers"],
            action=each["action"],
            reason=each["reason"],
            created_at=each["createdAt"],
            ends_at=min(each["expiresAt"] - ahead_ms, now + MAX_DURATION_MS),
            began_at=each["createdAt"] - ahead_ms,
        )
        for each in events
    ]


def _excess(uid: str, generation: int, what: str, remedy: str) -> Rejection:
    message = (
        f"more than {what} for one process; the whole set is refused and the previous set stays in force; {remedy}"
    )
    return {"uid": uid, "generation": generation, "field": "spec", "message": message}


def _routes(routes: Iterable[Iterable[str]]) -> Routes:
    return [(pattern, uid) for pattern, uid, *_ in routes]


def _size(policy: Policy) -> int:
    return len(policy.text) if policy.text.isascii() else len(policy.text.encode("utf-8", "surrogatepass"))


def _usable(uid: str, generation: int, name: str, spec: object, running: Policy | None) -> Policy | Rejection:
    if running is not None and running.spec == spec and _same_types(running.spec, spec):
        return running if running.generation == generation else running.at_generation(generation)
    try:
        return Policy(uid, generation, name, spec)  # type: ignore[arg-type]
    except UnusableSpec as error:
        return {
            "uid": uid,
            "generation": generation,
            "field": cut(error.field, 128),
            "message": cut(error.message, 256),
        }


def _same_types(a: object, b: object) -> bool:
    """``True`` equals 1 in Python and is something else in a spec."""
    return repr(a) == repr(b)
