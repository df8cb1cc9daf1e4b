"""A WSGI application whose every request is one call through a breaker; it answers the pid of its process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import fuseboard

payments = fuseboard.get_breaker("payments")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    payments.call(lambda: None)
    start_response("200 OK", [("content-type", "text/plain"), ("connection", "close")])
    return [str(os.getpid()).encode()]
