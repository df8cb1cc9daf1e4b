from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fuseboard.link.bootstrap import read_bootstrap, routes_of
from fuseboard.link.settings import Mounts, StartOptions, read_settings

NO_MOUNTS = Mounts("/nonexistent/a", "/nonexistent/b", "/nonexistent/c")


def url_of(text: str) -> str | None:
    url = read_settings(StartOptions(url=text), {}, NO_MOUNTS).url
    return None if url is None else url.geturl()


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://A.b:8700", "http://a.b:8700/"),
        ("https://a:443/x?y#z", "https://a/x/"),
        ("http://[::1]:8700", "http://[::1]:8700/"),
        ("a:8700", None),
        ("ftp://a", None),
        ("http://u:p@a", None),
        ("http://a:99999", None),
        ("http://", None),
    ],
)
def test_reads_the_address_of_the_operator(text: str, url: str | None) -> None:
    assert url_of(text) == url


@pytest.mark.parametrize(
    ("env", "policies"),
    [
        ({"FUSEBOARD_POLICIES_FILE": "a.json", "FUSEBOARD_POLICIES": "b.json"}, "a.json"),
        ({"FUSEBOARD_POLICIES_FILE": "", "FUSEBOARD_POLICIES": "b.json"}, "b.json"),
        ({}, None),
    ],
)
def test_takes_the_file_of_policies_from_the_environment(env: dict[str, str], policies: str | None) -> None:
    assert read_settings(StartOptions(), env, NO_MOUNTS).policies == policies
    assert read_settings(StartOptions(policies="option.json"), env, NO_MOUNTS).policies == "option.json"


def test_takes_options_before_the_environment_before_the_mounts(tmp_path: Path) -> None:
    operator, account, cache = tmp_path / "fuseboard.dev", tmp_path / "account", tmp_path / "cache"
    for folder in (operator, account, cache):
        folder.mkdir()
    for name, content in (("token", "t"), ("ca.crt", "c"), ("url", "https://mounted:8443\n")):
        (operator / name).write_text(content)
    (account / "namespace").write_text("shop\n")
    mounts = Mounts(str(operator), str(account), str(cache))
    found = read_settings(StartOptions(), {"OTEL_SERVICE_NAME": "otel"}, mounts)
    assert found.url is not None and found.url.geturl() == "https://mounted:8443/"
    assert (found.namespace, found.service, found.cache_dir) == ("shop", "otel", str(cache))
    assert (found.token_file, found.ca_file) == (str(operator / "token"), str(operator / "ca.crt"))
    env = {
        "FUSEBOARD_URL": "http://env",
        "FUSEBOARD_SERVICE": "env",
        "FUSEBOARD_LABELS": " a=1, b = 2 ,c",
        "FUSEBOARD_NAMESPACE": "other",
        "FUSEBOARD_DISABLED": "YES",
    }
    found = read_settings(StartOptions(service="option"), env, mounts)
    assert found.url is not None and found.url.geturl() == "http://env/"
    assert (found.service, found.namespace, found.labels, found.disabled) == (
        "option",
        "other",
        {"a": "1", "b": "2"},
        True,
    )
    assert len(found.problems) == 1 and '"c"' in found.problems[0]


def resource(name: str, breakers: list[str], **more: Any) -> dict[str, Any]:
    spec = {"breakers": breakers, **more.pop("spec", {})}
    return {"metadata": {"name": name, **more}, "spec": spec}


def test_routes_names_as_the_operator_does() -> None:
    selects = {"selector": {"matchLabels": {"a": "1"}}}
    resources = [
        resource("young", ["x", "pay*"], creationTimestamp="2026-02-01T00:00:00Z"),
        resource("old", ["x", "p*", "*"], creationTimestamp="2026-01-01T00:00:00Z"),
        resource("selecting", ["pa*"], spec=selects),
        resource("b-first-by-name", ["y"]),
        resource("a-first-by-name", ["y"]),
    ]
    for each in resources:
        each["metadata"]["uid"] = each["metadata"]["name"]
    assert routes_of(resources) == [
        ("pa*", "selecting"),
        ("y", "a-first-by-name"),
        ("x", "old"),
        ("pay*", "young"),
        ("p*", "old"),
        ("*", "old"),
    ]


def test_reads_what_kubectl_prints_and_leaves_out_what_is_for_others(tmp_path: Path) -> None:
    path = tmp_path / "policies.json"
    expressions = [{"key": "tier", "operator": "NotIn", "values": ["batch"]}, {"key": "app", "operator": "Exists"}]
    items = [
        resource("mine", ["a"], namespace="shop", uid="u1", generation=4),
        resource("other", ["b"], namespace="other"),
        resource("selected", ["c"], spec={"selector": {"matchExpressions": expressions}}),
        resource("not-selected", ["d"], spec={"selector": {"matchLabels": {"app": "search"}}}),
    ]
    path.write_text(json.dumps({"kind": "List", "items": items}))
    stored = read_bootstrap(str(path), "shop", {"app": "checkout"}).stored
    assert stored is not None
    assert [(each["name"], each["generation"]) for each in stored["policies"]] == [("mine", 4), ("selected", 0)]
    path.write_text(json.dumps(items[0]))
    assert read_bootstrap(str(path), None, {}).stored is not None


@pytest.mark.parametrize(
    "content", ["", "{", "[{}]", '{"items":3}', '[{"metadata":{"name":"a"},"spec":{"breakers":"x"}}]', "[" * 99_999]
)
def test_says_why_a_bootstrap_file_cannot_be_used(tmp_path: Path, content: str) -> None:
    path = tmp_path / "policies.json"
    path.write_text(content)
    read = read_bootstrap(str(path), None, {})
    assert read.stored is None and read.problem is not None and str(path) in read.problem
    assert "cannot be read" in str(read_bootstrap(str(tmp_path / "none"), None, {}).problem)
