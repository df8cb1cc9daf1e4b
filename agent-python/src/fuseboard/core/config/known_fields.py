"""The fields that a spec may have. An unknown one is ignored in an operator's policy, which may be newer, and refused in code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..text import cut, hint_for

_MATCHING: Mapping[str, Any] = {"errorNames": {}, "errorCodes": {}, "httpStatus": {}}

SPEC_FIELDS: Mapping[str, Any] = {
    "selector": {"matchLabels": {}, "matchExpressions": {}},
    "breakers": {},
    "mode": {},
    "trip": {
        "window": {"type": {}, "duration": {}, "size": {}, "halfLife": {}},
        "minimumCalls": {},
        "failureRate": {"thresholdPercent": {}},
        "slowCallRate": {"thresholdPercent": {}, "slowerThan": {}},
        "failureCount": {},
        "consecutiveFailures": {},
    },
    "recovery": {
        "openDuration": {},
        "backoffFactor": {},
        "maxOpenDuration": {},
        "jitterPercent": {},
        "honorRetryAfter": {},
        "halfOpen": {
            "strategy": {},
            "maxProbes": {},
            "evaluate": {},
            "successThreshold": {},
            "probeTimeout": {},
            "rampDuration": {},
        },
    },
    "timeout": {
        "duration": {},
        "adaptive": {"percentile": {}, "headroomPercent": {}, "minimumSamples": {}, "min": {}, "max": {}},
    },
    "retry": {
        "maxAttempts": {},
        "backoff": {"initial": {}, "factor": {}, "max": {}, "jitterPercent": {}},
        "budgetPercent": {},
        "minPerSecond": {},
        "placement": {},
    },
    "concurrency": {
        "maxConcurrent": {},
        "adaptive": {"minConcurrent": {}, "initial": {}},
        "maxQueue": {},
        "queueTimeout": {},
    },
    "classify": {"failure": _MATCHING, "ignore": _MATCHING},
    "fallback": {"type": {}, "static": {"value": {}}, "maxAge": {}},
    "perKey": {"maxKeys": {}, "idleTimeout": {}},
    "onUpdate": {},
}
"""Each field with those in it; empty where its content is not looked at here."""

_ELSEWHERE = {
    "fail_max": '"trip": {"consecutiveFailures": …}',
    "failure_threshold": '"trip": {"consecutiveFailures": …}',
    "reset_timeout": '"recovery": {"openDuration": …}',
    "recovery_timeout": '"recovery": {"openDuration": …}',
    "timeout_duration": '"recovery": {"openDuration": …}',
    "success_threshold": '"recovery": {"halfOpen": {"successThreshold": …}}',
    "expected_exception": '"classify": {"failure": {"errorNames": […]}}',
    "exclude": '"classify": {"ignore": {"errorNames": […]}}',
    "apiVersion": 'only what is in "spec" of the policy',
    "kind": 'only what is in "spec" of the policy',
    "spec": 'only what is in "spec" of the policy',
}
"""The names of other libraries and of a whole policy, each with what to write here."""


def refuse_unknown_fields(breaker: str, spec: object, path: str, fields: Mapping[str, Any] = SPEC_FIELDS) -> None:
    """Refuse unknown fields of a spec, because a misspelt one would be ignored.

    Raises ``TypeError`` that names the field and suggests another. What is no object is for the reader of the spec.
    """
    if not isinstance(spec, Mapping):
        return
    for field, inner in spec.items():
        known = fields.get(field)
        if known is None:
            meant = _ELSEWHERE.get(field)
            hint = hint_for(str(field), list(fields)) if meant is None else f"did you mean {meant}?"
            shown = json.dumps(cut(str(field), 64), ensure_ascii=False)
            raise TypeError(f'{path} of breaker "{breaker}" has no field {shown}; {hint}')
        if known:
            refuse_unknown_fields(breaker, inner, f"{path}.{field}", known)
