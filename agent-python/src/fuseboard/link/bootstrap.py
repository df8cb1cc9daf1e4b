"""Policies from a file, for the time before the operator was ever reached."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .files import read_file
from .limits import MAX_BOOTSTRAP_BYTES
from .messages import is_count, parse_json
from .policy_store import StoredSet

Resource = Mapping[str, Any]


@dataclass(frozen=True)
class BootstrapRead:
    """What a read found: a set, or why there is none."""

    stored: StoredSet | None = None
    problem: str | None = None


def read_bootstrap(path: str, namespace: str | None, labels: Mapping[str, str]) -> BootstrapRead:
    """Read a bootstrap file at once: a JSON list of policies, a List, or a single policy. Never raises."""
    try:
        content = parse_json(read_file(path, MAX_BOOTSTRAP_BYTES).decode("utf-8"))
    except (OSError, ValueError) as error:
        return BootstrapRead(problem=f"the bootstrap policies in {path} cannot be read: {error}")
    items = content if isinstance(content, list) else None
    if items is None and isinstance(content, dict):
        items = content.get("items", [content])
    bad = 0
    if isinstance(items, list):
        bad = next((i for i, item in enumerate(items) if not _is_resource(item)), -1)
    if bad != -1 or not isinstance(items, list):
        return BootstrapRead(
            problem=f"the bootstrap policies in {path} cannot be used: item {bad} is no policy with metadata.name and "
            'spec.breakers; write what "kubectl get cbp -o json" prints'
        )
    resources = [
        item
        for item in items
        if item["metadata"].get("namespace") in (None, namespace or item["metadata"].get("namespace"))
        and _is_selected(item["spec"].get("selector") or {}, labels)
    ]
    return BootstrapRead(
        {
            "revision": "bootstrap",
            "asOf": {},
            "routes": routes_of(resources),
            "rejections": [],
            "policies": [
                {
                    "uid": uid_of(each),
                    "generation": each["metadata"].get("generation", 0),
                    "name": each["metadata"]["name"],
                    "spec": each["spec"],
                }
                for each in resources
            ],
        }
    )


def uid_of(resource: Resource) -> str:
    """The uid of a policy; where its source has none, one by namespace and name."""
    metadata = resource["metadata"]
    identity = f"{metadata.get('namespace') or ''}/{metadata['name']}"
    uid = metadata.get("uid")
    return uid if isinstance(uid, str) else hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def routes_of(resources: Sequence[Resource]) -> list[tuple[str, str]]:
    """Which policy governs which name, first match first.

    One with a selector before one without, an exact name before a prefix, a longer prefix before a shorter, then the older
    policy, then the name.
    """
    claims = sorted(
        (
            _is_empty(each["spec"].get("selector") or {}),
            pattern.endswith("*"),
            -len(pattern) if pattern.endswith("*") else 0,
            _created(each["metadata"].get("creationTimestamp")),
            each["metadata"]["name"],
            i,
            pattern,
            uid_of(each),
        )
        for i, each in enumerate(resources)
        for pattern in each["spec"]["breakers"]
    )
    routes: dict[str, str] = {}
    for *_, pattern, uid in claims:
        routes.setdefault(pattern, uid)
    return list(routes.items())


def _created(text: object) -> float:
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return 0


def _is_empty(selector: Mapping[str, Any]) -> bool:
    return not selector.get("matchLabels") and not selector.get("matchExpressions")


def _is_selected(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _holds(each, labels) for each in selector.get("matchExpressions") or []
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator = expression["key"], expression.get("operator")
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    is_listed = key in labels and labels[key] in (expression.get("values") or [])
    return is_listed == (operator == "In")


def _is_resource(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    metadata, spec = value.get("metadata"), value.get("spec")
    return (
        isinstance(metadata, dict)
        and isinstance(metadata.get("name"), str)
        and is_count(metadata.get("generation", 0))
        and isinstance(spec, dict)
        and isinstance(spec.get("breakers"), list)
        and all(isinstance(name, str) for name in spec["breakers"])
        and _is_selector(spec.get("selector"))
    )


def _is_selector(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict):
        return False
    labels, expressions = value.get("matchLabels") or {}, value.get("matchExpressions") or []
    return (
        isinstance(labels, dict)
        and isinstance(expressions, list)
        and all(
            isinstance(each, dict) and isinstance(each.get("key"), str) and isinstance(each.get("values") or [], list)
            for each in expressions
        )
    )
