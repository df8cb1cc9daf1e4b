"""What the adapters of web frameworks answer."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from .. import link_state
from ..breakers.governed_breaker import GovernedBreaker
from ..errors import CircuitOpenError, FuseboardError, LimitedError, QueueTimeoutError
from ..process import registry

REJECTIONS = (CircuitOpenError, LimitedError, QueueTimeoutError)
"""The call was not made, and another try makes sense later."""
NOT_STORED = {"Cache-Control": "no-store"}


def states(limit: int = 500) -> dict[str, Any]:
    """All breakers of this process, for JSON; at most ``limit`` of them, those first that are not closed.

    It tells the names of what this service calls; show it where only you get.
    """
    known = registry()
    everyone = [breaker for _, key, breaker in known.breakers() if key is None]
    everyone.sort(key=lambda breaker: breaker.state == "closed")
    held = known.policy_set
    return {
        "link": link_state(),
        "revision": None if held is None else held.revision,
        "total": len(everyone),
        "breakers": [_described(breaker) for breaker in everyone[:limit]],
    }


def refusal(error: FuseboardError) -> tuple[dict[str, Any], dict[str, str]]:
    """Body and headers of a 503 for a call that was not let through. It does not name the breaker."""
    seconds = max(1, math.ceil(error.retry_after))
    retry_after_ms = math.ceil(error.retry_after * 1_000)
    body = {"error": "temporarily unavailable", "code": error.code, "retryAfterMs": retry_after_ms}
    return body, {"Retry-After": str(seconds), **NOT_STORED}


def _described(breaker: GovernedBreaker) -> dict[str, Any]:
    policy = breaker.policy
    failed = breaker.circuit.last_error
    return {
        "name": breaker.name,
        "state": breaker.state,
        "mode": breaker.mode,
        "source": breaker.source,
        "policy": None if policy is None else {"uid": policy.uid, "name": policy.name, "generation": policy.generation},
        "sinceMs": round(breaker.since_ms),
        "retryAfterMs": round(breaker.circuit.retry_after_ms),
        "totals": breaker.totals,
        "window": breaker.circuit.window,
        **({} if failed is None else {"lastError": asdict(failed)}),
    }
