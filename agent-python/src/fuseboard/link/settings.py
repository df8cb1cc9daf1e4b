"""The settings of the link: arguments of ``start``, the environment, and what the chart mounts into a pod."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from ..core.text import cut
from .files import read_file
from .limits import MAX_SETTING_BYTES

_TRUE = re.compile(r"1|true|yes|on", re.IGNORECASE)
_PROJECT_NAME = re.compile(r"""^\[project\][^\[]*?^name\s*=\s*["']([^"']+)["']""", re.MULTILINE)


@dataclass(frozen=True)
class StartOptions:
    """What ``start`` takes; what is ``None`` is taken from the environment, then from what the chart mounts."""

    url: str | None = None
    service: str | None = None
    labels: Mapping[str, str] | None = None
    namespace: str | None = None
    token_file: str | None = None
    ca_file: str | None = None
    cache_dir: str | None = None
    policies: str | None = None
    guard: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Mounts:
    """Where a pod finds what the chart mounts."""

    operator: str = "/var/run/secrets/fuseboard.dev"
    """Holds ``token``, ``ca.crt`` and ``url``."""
    account: str = "/var/run/secrets/kubernetes.io/serviceaccount"
    """Holds ``namespace``."""
    cache: str = "/var/cache/fuseboard.dev"


@dataclass(frozen=True)
class Settings:
    service: str
    disabled: bool = False
    url: SplitResult | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str | None = None
    token_file: str | None = None
    ca_file: str | None = None
    cache_dir: str | None = None
    policies: str | None = None
    problems: tuple[str, ...] = ()
    """What was given and cannot be used."""


def read_settings(options: StartOptions, env: Mapping[str, str], mounts: Mounts | None = None) -> Settings:
    """Resolve options, environment and mounts, in this order. What cannot be used is a problem and left out."""
    places = mounts or Mounts()
    problems: list[str] = []

    def mounted(name: str) -> str | None:
        return _existing(os.path.join(places.operator, name))

    def given(option: str | None, *variables: str) -> str | None:
        if option is not None:
            return option
        return next((env[variable] for variable in variables if env.get(variable)), None)

    url = given(options.url, "FUSEBOARD_URL") or _contents(os.path.join(places.operator, "url"))
    service = given(options.service, "FUSEBOARD_SERVICE") or env.get("OTEL_SERVICE_NAME") or _project_name()
    labels = options.labels
    if labels is None:
        labels = _read_labels(env.get("FUSEBOARD_LABELS", ""), problems)
    return Settings(
        service=cut(service, 253),
        disabled=_TRUE.fullmatch(env.get("FUSEBOARD_DISABLED", "")) is not None,
        url=None if url is None else _read_url(url, problems),
        labels=dict(labels),
        namespace=given(options.namespace, "FUSEBOARD_NAMESPACE")
        or _contents(os.path.join(places.account, "namespace")),
        token_file=given(options.token_file, "FUSEBOARD_TOKEN_FILE") or mounted("token"),
        ca_file=given(options.ca_file, "FUSEBOARD_CA_FILE") or mounted("ca.crt"),
        cache_dir=given(options.cache_dir, "FUSEBOARD_CACHE_DIR") or _existing(places.cache),
        policies=given(options.policies, "FUSEBOARD_POLICIES_FILE", "FUSEBOARD_POLICIES"),
        problems=tuple(problems),
    )


def _read_url(text: str, problems: list[str]) -> SplitResult | None:
    try:
        url = urlsplit(text.strip())
        host, port = url.hostname, url.port
    except ValueError:
        url, host, port = urlsplit(""), None, None
    if url.scheme not in ("http", "https") or not host or url.username is not None or url.password is not None:
        problems.append(
            f'FUSEBOARD_URL is "{text}", not the address of an operator; set it to one such as http://127.0.0.1:8700'
        )
        return None
    name = f"[{host}]" if ":" in host else host
    is_usual = port is None or port == (443 if url.scheme == "https" else 80)
    path = url.path if url.path.endswith("/") else f"{url.path}/"
    return SplitResult(url.scheme, name if is_usual else f"{name}:{port}", path, "", "")


def _read_labels(text: str, problems: list[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for pair in (part.strip() for part in text.split(",")):
        if pair == "":
            continue
        key, equals, value = pair.partition("=")
        if equals and key:
            labels[key.strip()] = value.strip()
        else:
            problems.append(f'FUSEBOARD_LABELS holds "{pair}"; write labels as key=value,key2=value2')
    return labels


def _project_name() -> str:
    """The name in the pyproject.toml beside or above the program, or the folder that it was started in."""
    program = Path(sys.argv[0] if sys.argv and sys.argv[0] not in ("", "-c", "-m") else "x")
    try:
        start = program.resolve().parent
    except OSError:
        return "unknown"
    for folder in (start, *start.parents):
        try:
            found = _PROJECT_NAME.search(_text(str(folder / "pyproject.toml")))
        except (OSError, ValueError):
            continue
        if found:
            return found.group(1)
    return "unknown"


def _existing(path: str) -> str | None:
    return path if os.path.exists(path) else None


def _text(path: str) -> str:
    return read_file(path, MAX_SETTING_BYTES).decode("utf-8")


def _contents(path: str) -> str | None:
    try:
        return _text(path).strip() or None
    except (OSError, ValueError):
        return None
