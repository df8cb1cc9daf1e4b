"""Where reports go."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit


def report_target(url: SplitResult, report_url: str | None, namespace: str | None = None) -> SplitResult:
    """The replica's own address where that is safe, else the address that the agent connects to.

    A token may travel only over TLS that proves the name in ``url``, or in plain text to the very host that is reached in plain
    text anyway. The namespace is believed only where the operator does not authenticate agents.
    """
    target = _place(url, report_url)
    if namespace is None:
        return target
    query = [each for each in parse_qsl(target.query, keep_blank_values=True) if each[0] != "namespace"]
    return target._replace(query=urlencode([*query, ("namespace", namespace)]))


def _place(url: SplitResult, report_url: str | None) -> SplitResult:
    own = url._replace(path=f"{url.path}v1/report", query="", fragment="")
    if report_url is None:
        return own
    try:
        wanted = urlsplit(report_url)
        host, _ = wanted.hostname, wanted.port
    except ValueError:
        return own
    if not host or wanted.username is not None or wanted.password is not None:
        return own
    is_plain_to_same_host = wanted.scheme == "http" and url.scheme == "http" and host == url.hostname
    return wanted if wanted.scheme == "https" or is_plain_to_same_host else own
