"""grpc, botocore and Celery, each with the real library against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import botocore.config
import botocore.exceptions
import botocore.parsers
import botocore.session
import celery
import grpc
import grpc.aio
import pytest

import fuseboard
from fuseboard import CallTimeoutError, CircuitOpenError
from fuseboard.contrib.botocore import protect
from fuseboard.contrib.celery import RetryWhenOpen
from fuseboard.contrib.grpc import AsyncBreakerInterceptor, BreakerInterceptor

from .upstream import Upstream

OPENS = {"trip": {"consecutiveFailures": 2}, "classify": {"failure": {"errorCodes": ["UNAVAILABLE"]}}}


class Service(grpc.GenericRpcHandler):  # type: ignore[misc]
    """``/test/Say`` answers what it was sent, or with the code of that name; ``/test/Count`` answers it twice."""

    def service(self, details: Any) -> Any:
        if details.method == "/test/Count":
            return grpc.unary_stream_rpc_method_handler(lambda request, context: iter([self.say(request, context)] * 2))
        return grpc.unary_unary_rpc_method_handler(self.say)

    def say(self, request: bytes, context: Any) -> bytes:
        code = getattr(grpc.StatusCode, request.decode(), None)
        if code is not None:
            context.abort(code, "as the test says")
        return request


@pytest.fixture
def target() -> Iterator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Service()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_grpc_counts_by_code_and_rejects_without_a_request(target: str) -> None:
    breaker = fuseboard.get_breaker("partner", OPENS)
    with grpc.insecure_channel(target) as channel:
        through = grpc.intercept_channel(channel, BreakerInterceptor("partner"))
        say, count = through.unary_unary("/test/Say"), through.unary_stream("/test/Count")
        assert say(b"hello", timeout=10) == b"hello"
        assert list(count(b"x", timeout=10)) == [b"x", b"x"]
        for code in ("NOT_FOUND", "UNAVAILABLE", "UNAVAILABLE"):
            with pytest.raises(grpc.RpcError):
                say(code.encode(), timeout=10)
        totals = breaker.stats().totals
        assert (totals["succeeded"], totals["failed"]) == (3, 2)
        with pytest.raises(CircuitOpenError):
            say(b"hello", timeout=10)


def test_grpc_aio_counts_by_code_and_rejects(target: str) -> None:
    breaker = fuseboard.get_breaker("partner", OPENS)

    async def calls() -> None:
        async with grpc.aio.insecure_channel(target, interceptors=[AsyncBreakerInterceptor("partner")]) as channel:
            say = channel.unary_unary("/test/Say")
            assert await say(b"hello", timeout=10) == b"hello"
            for code in ("NOT_FOUND", "UNAVAILABLE", "UNAVAILABLE"):
                with pytest.raises(grpc.aio.AioRpcError):
                    await say(code.encode(), timeout=10)
            totals = breaker.stats().totals
            assert (totals["succeeded"], totals["failed"]) == (2, 2)
            with pytest.raises(CircuitOpenError):
                await say(b"hello", timeout=10)

    asyncio.run(calls())


@pytest.mark.parametrize(
    ("choice", "attempts"),
    [
        ({}, 1),
        ({"retry": "always"}, 3),
        ({"retry": lambda m: m == "/test/Say"}, 3),
        ({"retry": lambda m: m == "/x"}, 1),
    ],
)
def test_grpc_aio_repeats_a_call_only_when_asked_to(target: str, choice: dict[str, Any], attempts: int) -> None:
    retry = {"maxAttempts": 3, "backoff": {"initial": "1ms", "jitterPercent": 0}, "budgetPercent": 100}
    breaker = fuseboard.get_breaker("partner", {"classify": OPENS["classify"], "retry": retry})

    async def call() -> None:
        interceptor = AsyncBreakerInterceptor("partner", **choice)
        async with grpc.aio.insecure_channel(target, interceptors=[interceptor]) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await channel.unary_unary("/test/Say")(b"UNAVAILABLE", timeout=10)

    asyncio.run(call())
    assert breaker.stats().totals["failed"] == attempts


def test_grpc_aio_refuses_a_choice_of_retries_that_is_none() -> None:
    wrong: Any = "safe"
    with pytest.raises(ValueError, match="retry must be 'always', 'never' or a function"):
        AsyncBreakerInterceptor("partner", retry=wrong)


def client(upstream: Upstream) -> Any:
    session = botocore.session.Session()
    session.set_credentials("key", "secret")
    config = botocore.config.Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=5)
    return session.create_client("sqs", region_name="eu-central-1", endpoint_url=upstream.url, config=config)


def test_botocore_counts_an_api_call_by_its_status(upstream: Upstream) -> None:
    breaker = fuseboard.get_breaker("queue", {"trip": {"consecutiveFailures": 2}})
    sqs = client(upstream)
    protect(sqs, "queue")
    upstream.statuses = [404, 503, 503]
    for _ in range(3):
        with pytest.raises((botocore.exceptions.ClientError, botocore.parsers.ResponseParserError)):
            sqs.list_queues()
    totals = breaker.stats().totals
    assert (totals["succeeded"], totals["failed"]) == (1, 2)
    with pytest.raises(CircuitOpenError):
        sqs.list_queues()
    assert upstream.requests == 3


def test_botocore_counts_a_call_without_an_answer() -> None:
    breaker = fuseboard.get_breaker("queue")
    with Upstream() as upstream:
        sqs = client(upstream)
        protect(sqs, breaker)
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        sqs.list_queues()
    assert breaker.stats().totals["failed"] == 1


def test_a_celery_task_is_tried_again_when_the_circuit_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    app = celery.Celery("test", broker="memory://", backend="cache+memory://")
    breaker = fuseboard.get_breaker("payments")
    ran: list[int] = []

    @app.task(base=RetryWhenOpen, bind=True, max_retries=2)
    def charge(self: Any, order: int) -> str:
        breaker.call(lambda: ran.append(order))
        return "charged"

    assert charge.apply(args=(1,)).get() == "charged"
    breaker.force_open("maintenance", 90)
    asked: list[Any] = []

    def retry(**options: Any) -> Exception:
        asked.append(options)
        return celery.exceptions.Retry()

    monkeypatch.setattr(charge, "retry", retry)
    assert charge.apply(args=(2,)).state == "RETRY"
    assert (asked[0]["countdown"], ran) == (90, [1])


def test_an_error_of_a_celery_task_is_its_own() -> None:
    app = celery.Celery("test", broker="memory://", backend="cache+memory://")

    @app.task(base=RetryWhenOpen, bind=True)
    def charge(self: Any) -> None:
        raise CallTimeoutError("payments", 0, "too late")

    with pytest.raises(CallTimeoutError):
        charge.apply(throw=True)
