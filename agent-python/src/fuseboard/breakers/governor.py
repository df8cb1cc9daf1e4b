"""What governs a breaker: a policy, the defaults of code, or nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..core.config.config import Config, compile_spec
from ..core.config.known_fields import refuse_unknown_fields
from ..core.config.spec_reader import Problem
from ..errors import ConfigError
from .policy_set import Policy, Spec

Source = Literal["policy", "defaults", "none"]
"""Where a breaker's configuration comes from: a policy, the defaults that code gave, or nowhere: then it never opens."""


@dataclass(frozen=True)
class Governor:
    """What a breaker decides by, and where that comes from."""

    source: Source
    text: str
    """The spec as text; only when it changes is a breaker configured again."""
    config: Config
    policy: Policy | None = None
    """Present exactly when a policy governs."""
    defaults: Governor | None = None
    """What governs when the policy no longer does. ``None``: this does, no policy."""


def governor_of(name: str, spec: Spec, where: str = "defaults") -> Governor:
    """What a spec in code makes of a breaker; ``where`` names it in messages.

    Raises ``TypeError`` for a field that does not exist, and ``ConfigError`` for a spec that cannot be used otherwise.
    """
    refuse_unknown_fields(name, spec, where)
    compiled = compile_spec(spec)
    if isinstance(compiled, Problem):
        message = f'breaker "{name}" cannot use its defaults: {compiled.field} {compiled.message}'
        raise ConfigError(name, 0, message)
    return Governor("defaults", json.dumps(asdict(compiled), default=_listed), compiled)


def _listed(value: Any) -> Any:
    return sorted(value)


def governed_by(policy: Policy, defaults: Governor) -> Governor:
    """What a policy makes of a breaker. ``defaults`` govern again once it does no longer."""
    return Governor("policy", policy.text, policy.config, policy, defaults)


UNGOVERNED = Governor("none", "", governor_of("any", {}).config)
