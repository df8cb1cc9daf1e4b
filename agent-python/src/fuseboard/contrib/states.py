"""What the adapters of web frameworks answer."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from .. import link_state
from ..breakers.circuit import Circuit
from ..errors import CircuitOpenError, FuseboardError, LimitedError, QueueTimeoutError
from ..process import registry

REJECTIONS = (CircuitOpenError, LimitedError, QueueTimeoutError)
"""The call was not made, and another try makes sense later."""


def states(limit: int = 500) -> dict[str, Any]:
    """All breakers of this process, for JSON; at most ``limit`` of them, those first that are not closed.

    It tells the names of what this service calls; show it where only you get.
    """
    known = registry()
    everyone = [circuit for _, key, circuit in known.circuits() if key is None]
    everyone.sort(key=lambda circuit: circuit.state == "closed")
    held = known.policy_set
    return {
        "link": link_state(),
        "revision": None if held is None else held.revision,
        "total": len(everyone),
        "breakers": [_described(circuit) for circuit in everyone[:limit]],
    }


def refusal(error: FuseboardError) -> tuple[dict[str, Any], dict[str, str]]:
    """Body and headers of a 503 for a call that was not let through. It does not name the breaker."""
    seconds = max(1, math.ceil(error.retry_after))
    retry_after_ms = math.ceil(error.retry_after * 1_000)
    body = {"error": "temporarily unavailable", "code": error.code, "retryAfterMs": retry_after_ms}
    return body, {"Retry-After": str(seconds), "Cache-Control": "no-store"}


def _described(circuit: Circuit) -> dict[str, Any]:
    policy = circuit.policy
    failed = circuit.core.last_error
    return {
        "name": circuit.name,
        "state": circuit.state,
        "mode": circuit.mode,
        "source": circuit.source,
        "policy": None if policy is None else {"uid": policy.uid, "name": policy.name, "generation": policy.generation},
        "sinceMs": round(circuit.since_ms),
        "retryAfterMs": round(circuit.core.retry_after_ms),
        "totals": circuit.totals,
        "window": circuit.core.window,
        **({} if failed is None else {"lastError": asdict(failed)}),
    }
