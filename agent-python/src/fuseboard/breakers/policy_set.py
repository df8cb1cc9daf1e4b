"""Everything that governs the breakers of this process, replaced whole at each commit."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..core.config.config import Config, compile_spec
from ..core.config.guard import GuardField, Limits, within_guard
from ..core.config.spec_reader import Problem

Spec = Mapping[str, Any]
"""The spec of a policy as JSON has it; see the reference of CircuitBreakerPolicy for its fields."""

Origin = Literal["stream", "last-good", "bootstrap"]


class UnusableSpec(ValueError):
    """A spec cannot be used; says the first reason."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.field} {problem.message}")
        self.field = problem.field
        """The dotted path of the field, from ``spec``."""
        self.message = problem.message


@dataclass(frozen=True)
class Policy:
    """A policy that this process can use; raises ``UnusableSpec`` for any other."""

    uid: str
    generation: int
    """0 where the source has no generations."""
    name: str
    """The name of the resource, for messages."""
    spec: Spec
    text: str = ""
    """The spec as JSON; two policies behave the same exactly when this is the same. Empty: made of ``spec``."""
    config: Config = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        compiled = compile_spec(self.spec)
        if isinstance(compiled, Problem):
            raise UnusableSpec(compiled)
        object.__setattr__(self, "config", compiled)
        if not self.text:
            object.__setattr__(self, "text", json.dumps(self.spec, separators=(",", ":"), ensure_ascii=False))

    def at_generation(self, generation: int) -> Policy:
        """The same policy under another generation, without reading its spec again."""
        return self._with(generation=generation)

    def under(self, limits: Limits) -> tuple[Policy, list[GuardField]]:
        """The same policy within the limits of a guard, and the fields of the guard that changed it."""
        config, by = within_guard(self.config, limits)
        # Another text, because a breaker is reconfigured exactly when it changes.
        return (self._with(config=config, text=f"{self.text}\n{limits.texts}"), by) if by else (self, by)

    def _with(self, **changes: object) -> Policy:
        other = object.__new__(Policy)
        for name, value in {**vars(self), **changes}.items():
            object.__setattr__(other, name, value)
        return other


Action = Literal["ForceOpen", "ForceClosed", "Reset"]


@dataclass(frozen=True)
class Override:
    """What somebody decided for some breakers until its end."""

    uid: str
    name: str
    breakers: Sequence[str]
    """Names, prefixes followed by ``*``, or ``*``."""
    action: Action
    reason: str
    created_at: float
    """Milliseconds since 1970; of several overrides the newest holds."""
    ends_at: float
    """When it ends, in milliseconds of the registry's monotonic clock (``Registry.now``)."""
    began_at: float = math.inf
    """When it was created, on that clock. Infinite: not known."""


@dataclass(frozen=True)
class PolicySet:
    revision: str
    policies: Mapping[str, Policy]
    """By uid."""
    routes: Sequence[tuple[str, str]]
    """Breaker name, prefix with a trailing ``*``, or ``*``, to uid; the first match governs.

    A uid without a policy leaves the name ungoverned."""
    origin: Origin = "stream"


@dataclass(frozen=True)
class Guarded:
    """A policy or an override that this process does not run as it says, because of the guard of its code."""

    uid: str
    name: str
    """The name of the resource, for messages."""
    by: GuardField
    limit: str | None
    """The duration that the guard gives. ``None``: the field has none."""
    breakers: Sequence[str] | None = None
    """The breakers that the override names; ``None`` for a policy."""

    def __str__(self) -> str:
        what = "policy" if self.breakers is None else "override"
        return f'{what} "{self.name}" by {self.by}{"" if self.limit is None else f" {self.limit}"}'


def policies_under(policy_set: PolicySet, limits: Limits) -> tuple[PolicySet, list[Guarded]]:
    """The set within the limits of a guard, and what that changed."""
    policies: dict[str, Policy] = {}
    guarded: list[Guarded] = []
    texts = dict(limits.texts)
    for uid, policy in policy_set.policies.items():
        policies[uid], fields = policy.under(limits)
        guarded += [Guarded(uid, policy.name, by, texts.get(by)) for by in fields]
    return (replace(policy_set, policies=policies), guarded) if guarded else (policy_set, guarded)


def overrides_under(
    overrides: Iterable[Override], limits: Limits, began: Mapping[str, float], now: float
) -> tuple[list[Override], list[Guarded], dict[str, float]]:
    """The overrides within the limits of a guard, what that changed, and since when each has been known.

    ``began`` is what the call before returned: without it an override that is sent again would begin again, and one whose
    creation lies in the future would never end.
    """
    within: list[Override] = []
    guarded: list[Guarded] = []
    known: dict[str, float] = {}
    texts = dict(limits.texts)
    for each in overrides:
        since = known[each.uid] = began.get(each.uid, min(now, each.began_at))
        by: GuardField | None = None
        if each.action == "ForceOpen" and each.ends_at > now:
            if limits.never_force_open:
                by = "neverForceOpen"
            elif limits.max_open_ms is not None and each.ends_at > since + limits.max_open_ms:
                by = "maxOpenDuration"
                within.append(replace(each, ends_at=since + limits.max_open_ms))
        if by is None:
            within.append(each)
        else:
            guarded.append(Guarded(each.uid, each.name, by, texts.get(by), each.breakers))
    return within, guarded, known
