"""An adapter for requests: ``session.mount("https://payments.example", BreakerAdapter("payments"))``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.adapters

from .outgoing import BreakerChoice, OutgoingRequest, RetryChoice, chooser, retry_decider, within


class BreakerAdapter(requests.adapters.HTTPAdapter):
    """Sends requests through a breaker.

    What comes back is that of requests: the response, a failing one too, or its very error; only a call that was not made raises
    an error of Fuseboard. A response counts by its status as the policy says, 5xx fails where it says nothing. The time limit of
    the policy bounds the time-out of requests. ``retry``: which requests the retries of the policy apply to; see
    ``RetryChoice``. Further arguments are those of ``HTTPAdapter``; leave its retries off, or the breaker sees one call where the
    network sees several. Raises ``ConfigError`` when a name cannot be used, ``ValueError`` for any other ``retry``.
    """

    def __init__(self, choice: BreakerChoice, *, retry: RetryChoice = "safe", **options: Any) -> None:
        self._choose = chooser(choice)
        self._may_retry = retry_decider(retry)
        super().__init__(**options)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        breaker = self._choose(lambda: _described(request))
        send_once = super().send

        def send() -> requests.Response:
            return send_once(request, stream, _limited(timeout), verify, cert, proxies)

        can_repeat = request.body is None or isinstance(request.body, str | bytes)
        return breaker.call(send, retry=can_repeat and self._may_retry(_described(request), request.headers))


def _described(request: requests.PreparedRequest) -> OutgoingRequest:
    url = urlsplit(request.url or "")
    return OutgoingRequest((request.method or "GET").upper(), url.hostname or "", url.path or "/")


def _limited(timeout: Any) -> Any:
    if isinstance(timeout, tuple):
        return tuple(within(each) for each in timeout)
    return within(timeout) if timeout is None or isinstance(timeout, int | float) else timeout
