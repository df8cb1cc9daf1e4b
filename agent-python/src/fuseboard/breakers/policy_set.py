"""Everything that governs the breakers of this process, replaced whole at each commit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..core.config.config import Config, compile_spec
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
        other = object.__new__(Policy)
        for name, value in vars(self).items():
            object.__setattr__(other, name, value)
        object.__setattr__(other, "generation", generation)
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


@dataclass(frozen=True)
class PolicySet:
    revision: str
    policies: Mapping[str, Policy]
    """By uid."""
    routes: Sequence[tuple[str, str]]
    """Breaker name, prefix with a trailing ``*``, or ``*``, to uid; the first match governs.

    A uid without a policy leaves the name ungoverned."""
    origin: Origin = "stream"
