"""Transports for httpx: every request of a client goes through a breaker.

``httpx.Client(transport=BreakerTransport("payments"))``, ``httpx.AsyncClient(transport=AsyncBreakerTransport("payments"))``.
"""

from __future__ import annotations

from types import TracebackType

import httpx

from .outgoing import BreakerChoice, OutgoingRequest, RetryChoice, chooser, retry_decider, within


class BreakerTransport(httpx.BaseTransport):
    """Sends requests through a breaker.

    What comes back is httpx's own: the response, a failing one too, or its very error; only a call that was not made raises an
    error of Fuseboard. A response counts by its status as the policy says, 5xx fails where it says nothing, and the call ends
    with the headers of the response. The time limit of the policy bounds the time-outs of httpx. ``transport`` sends the
    requests; absent: ``httpx.HTTPTransport()``. ``retry``: which requests the retries of the policy apply to; see ``RetryChoice``.
    Raises ``ConfigError`` when a name cannot be used, ``ValueError`` for any other ``retry``.
    """

    def __init__(
        self, choice: BreakerChoice, transport: httpx.BaseTransport | None = None, *, retry: RetryChoice = "safe"
    ) -> None:
        self._choose = chooser(choice)
        self._may_retry = retry_decider(retry)
        self._transport = transport or httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        breaker = self._choose(lambda: _described(request))

        def send() -> httpx.Response:
            _limit(request)
            return self._transport.handle_request(request)

        retry = _can_repeat(request) and self._may_retry(_described(request), request.headers)
        return breaker.call(send, retry=retry)

    def __enter__(self) -> BreakerTransport:
        self._transport.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._transport.__exit__(kind, error, traceback)

    def close(self) -> None:
        self._transport.close()


class AsyncBreakerTransport(httpx.AsyncBaseTransport):
    """The same for ``httpx.AsyncClient``; the time limit of the policy ends a request with ``CallTimeoutError``.

    ``transport``: absent: ``httpx.AsyncHTTPTransport()``.
    """

    def __init__(
        self, choice: BreakerChoice, transport: httpx.AsyncBaseTransport | None = None, *, retry: RetryChoice = "safe"
    ) -> None:
        self._choose = chooser(choice)
        self._may_retry = retry_decider(retry)
        self._transport = transport or httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        breaker = self._choose(lambda: _described(request))

        async def send() -> httpx.Response:
            return await self._transport.handle_async_request(request)

        retry = _can_repeat(request) and self._may_retry(_described(request), request.headers)
        return await breaker.call_async(send, retry=retry)

    async def __aenter__(self) -> AsyncBreakerTransport:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._transport.__aexit__(kind, error, traceback)

    async def aclose(self) -> None:
        await self._transport.aclose()


def _described(request: httpx.Request) -> OutgoingRequest:
    return OutgoingRequest(request.method.upper(), request.url.host, request.url.path)


def _can_repeat(request: httpx.Request) -> bool:
    return isinstance(request.stream, httpx.ByteStream)


def _limit(request: httpx.Request) -> None:
    timeout = request.extensions.get("timeout", {})
    limited = {name: within(timeout.get(name)) for name in ("connect", "read", "write", "pool")}
    request.extensions = {**request.extensions, "timeout": limited}
