"""The adapters of HTTP clients, each with the real client against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
import pytest
import requests

import fuseboard
from fuseboard import CallTimeoutError, CircuitOpenError, ConfigError
from fuseboard.contrib.aiohttp import breaker_middleware
from fuseboard.contrib.httpx import AsyncBreakerTransport, BreakerTransport
from fuseboard.contrib.outgoing import BreakerChoice, RetryChoice
from fuseboard.contrib.requests import BreakerAdapter

from .upstream import Upstream

REFUSED = {"failure": {"errorCodes": ["ECONNREFUSED"], "errorNames": ["httpx.ConnectError"]}}
"""httpx hides what lies behind its error, the others do not."""

Send = Callable[..., tuple[int, bytes]]
"""Sends with a client; the arguments are the choice of its adapter, the URL and the fields of ``How``."""

RETRY: dict[str, Any] = {"maxAttempts": 3, "backoff": {"initial": "1ms", "jitterPercent": 0}, "budgetPercent": 100}


@dataclass(frozen=True)
class How:
    """How a request is sent."""

    body: list[bytes] | None = None
    """Chunks that can be read once."""
    data: bytes | None = None
    method: str | None = None
    """``None``: GET without a body, else POST."""
    headers: dict[str, str] | None = None
    retry: RetryChoice = "safe"

    def method_of(self, content: object) -> str:
        return self.method or ("GET" if content is None else "POST")


async def chunks(each: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in each:
        yield chunk


def with_httpx(choice: BreakerChoice, url: str, how: How) -> tuple[int, bytes]:
    with httpx.Client(transport=BreakerTransport(choice, retry=how.retry), timeout=5) as client:
        content = how.data if how.body is None else iter(how.body)
        response = client.request(how.method_of(content), url, content=content, headers=how.headers)
        return response.status_code, response.content


def with_async_httpx(choice: BreakerChoice, url: str, how: How) -> tuple[int, bytes]:
    async def send() -> tuple[int, bytes]:
        async with httpx.AsyncClient(transport=AsyncBreakerTransport(choice, retry=how.retry), timeout=5) as client:
            content = how.data if how.body is None else chunks(how.body)
            response = await client.request(how.method_of(content), url, content=content, headers=how.headers)
            return response.status_code, response.content

    return asyncio.run(send())


def with_requests(choice: BreakerChoice, url: str, how: How) -> tuple[int, bytes]:
    with requests.Session() as session:
        session.mount("http://", BreakerAdapter(choice, retry=how.retry))
        content: Any = how.data if how.body is None else iter(how.body)
        response = session.request(how.method_of(content), url, data=content, headers=how.headers, timeout=5)
        return response.status_code, response.content


def with_aiohttp(choice: BreakerChoice, url: str, how: How) -> tuple[int, bytes]:
    async def send() -> tuple[int, bytes]:
        async with aiohttp.ClientSession(middlewares=[breaker_middleware(choice)]) as session:
            content = how.data if how.body is None else chunks(how.body)
            async with session.request(how.method_of(content), url, data=content) as response:
                return response.status, await response.read()

    return asyncio.run(send())


def sender(client: Callable[[BreakerChoice, str, How], tuple[int, bytes]]) -> Send:
    return lambda choice, url, **how: client(choice, url, How(**how))


@pytest.fixture(params=[with_httpx, with_async_httpx, with_requests, with_aiohttp], ids=lambda each: each.__name__[5:])
def send(request: pytest.FixtureRequest) -> Iterator[Send]:
    yield sender(request.param)


def test_a_response_counts_by_its_status_and_comes_back_as_it_is(send: Send, upstream: Upstream) -> None:
    breaker = fuseboard.get_breaker("partner", {"trip": {"consecutiveFailures": 2}})
    upstream.statuses = [200, 404, 503, 503]
    assert [send("partner", upstream.url)[0] for _ in range(4)] == [200, 404, 503, 503]
    totals = breaker.stats().totals
    assert (totals["succeeded"], totals["failed"]) == (2, 2)
    with pytest.raises(CircuitOpenError) as rejected:
        send("partner", upstream.url)
    assert upstream.requests == 4 and rejected.value.breaker == "partner"


def test_an_error_of_the_client_is_its_own_and_counts(send: Send, upstream: Upstream) -> None:
    breaker = fuseboard.get_breaker("partner", {"trip": {"consecutiveFailures": 2}, "classify": REFUSED})
    with pytest.raises((httpx.ConnectError, requests.ConnectionError, aiohttp.ClientConnectorError)):
        send(breaker, "http://127.0.0.1:1/")
    assert breaker.stats().totals["failed"] == 1


RETRYING = [with_httpx, with_async_httpx, with_requests]
"""The clients whose requests can be sent again."""


@pytest.fixture(params=RETRYING, ids=lambda each: each.__name__[5:])
def send_again(request: pytest.FixtureRequest) -> Iterator[Send]:
    yield sender(request.param)


def test_a_failing_response_is_retried_and_the_last_one_returned(send_again: Send, upstream: Upstream) -> None:
    breaker = fuseboard.get_breaker("partner", {"retry": RETRY})
    upstream.statuses = [503]
    assert send_again("partner", upstream.url, data=b"again", method="PUT") == (200, b"fine")
    assert upstream.bodies == [b"again", b"again"]
    assert breaker.stats().totals["retried"] == 1


@pytest.mark.parametrize(
    ("how", "requests_sent"),
    [
        ({"method": "GET"}, 2),
        ({"method": "put", "data": b"x"}, 2),
        ({"method": "POST", "data": b"x"}, 1),
        ({"method": "POST"}, 1),
        ({"method": "POST", "data": b"x", "headers": {"Idempotency-Key": "k"}}, 2),
        ({"method": "POST", "data": b"x", "retry": "always"}, 2),
        ({"method": "GET", "retry": "never"}, 1),
        ({"method": "POST", "data": b"x", "retry": lambda request: request.path == "/orders"}, 2),
        ({"method": "GET", "retry": lambda request: request.method == "POST"}, 1),
        ({"method": "PUT", "body": [b"x"], "retry": "always"}, 1),
    ],
)
def test_a_request_is_sent_again_only_where_that_is_safe_or_asked_for(
    send_again: Send, upstream: Upstream, how: dict[str, Any], requests_sent: int
) -> None:
    breaker = fuseboard.get_breaker("partner", {"retry": RETRY})
    upstream.statuses = [503]
    status, _ = send_again("partner", f"{upstream.url}/orders", **how)
    totals = breaker.stats().totals
    assert (upstream.requests, status) == (requests_sent, 200 if requests_sent == 2 else 503)
    assert (totals["failed"], totals["retried"]) == (1, requests_sent - 1)


def test_aiohttp_sends_a_request_once(upstream: Upstream) -> None:
    breaker = fuseboard.get_breaker("partner", {"retry": RETRY})
    upstream.statuses = [503]
    assert with_aiohttp("partner", upstream.url, How()) == (503, b"fine")
    totals = breaker.stats().totals
    assert (upstream.requests, totals["failed"], totals["retried"]) == (1, 1, 0)


def test_a_choice_of_retries_that_is_none_is_refused() -> None:
    wrong: Any
    for wrong in ("sometimes", True, None):
        for make in (BreakerTransport, AsyncBreakerTransport, BreakerAdapter):
            with pytest.raises(ValueError, match="retry must be 'safe', 'always', 'never' or a function"):
                make("partner", retry=wrong)


def test_a_body_that_can_be_read_once_is_sent_once(send: Send, upstream: Upstream) -> None:
    breaker = fuseboard.get_breaker("partner", {"retry": RETRY})
    upstream.statuses = [503]
    assert send("partner", upstream.url, body=[b"on", b"ce"]) == (503, b"fine")
    assert upstream.bodies == [b"once"]
    assert breaker.stats().totals["failed"] == 1


def test_a_time_limit_of_the_policy_ends_a_request(send: Send, upstream: Upstream) -> None:
    breaker = fuseboard.get_breaker("partner", {"timeout": {"duration": "50ms"}})
    upstream.delay_s = 1
    with pytest.raises((CallTimeoutError, httpx.ReadTimeout, requests.ReadTimeout)):
        send("partner", upstream.url)
    assert breaker.stats().totals["failed"] == 1


def test_retry_after_of_a_response_lengthens_the_open_time(send: Send, upstream: Upstream) -> None:
    recovery = {"openDuration": "1s", "honorRetryAfter": True}
    breaker = fuseboard.get_breaker("partner", {"trip": {"consecutiveFailures": 1}, "recovery": recovery})
    upstream.statuses, upstream.headers = [503], {"Retry-After": "60"}
    assert send("partner", upstream.url)[0] == 503
    assert 50 < breaker.stats().retry_after <= 60


def test_a_function_chooses_the_breaker_by_host(send: Send, upstream: Upstream) -> None:
    partners = fuseboard.get_breaker("partners", {"perKey": {"maxKeys": 10}})
    seen: list[tuple[str, str, str]] = []

    def choose(request: Any) -> fuseboard.Breaker:
        seen.append((request.method, request.host, request.path))
        return partners.for_key(request.host)

    send(choose, f"{upstream.url}/offers?secret=1")
    assert seen == [("GET", "127.0.0.1", "/offers")]
    assert partners.for_key("127.0.0.1").stats().totals["succeeded"] == 1


def test_a_name_that_cannot_be_used_is_refused_where_it_is_written() -> None:
    for make in (BreakerTransport, AsyncBreakerTransport, BreakerAdapter, breaker_middleware):
        with pytest.raises(ConfigError):
            make("not a name")
