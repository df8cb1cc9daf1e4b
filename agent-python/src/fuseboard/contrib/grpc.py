"""Client interceptors for grpc: ``grpc.intercept_channel(channel, BreakerInterceptor("payments"))``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import grpc
import grpc.aio

from ..breakers.breaker import Breaker
from ..call.enter import enter_or_raise
from .outgoing import named

RpcRetryChoice = Literal["always", "never"] | Callable[[str], bool]
"""Whether calls are retried when the policy has retries. A function decides for each method, such as ``/shop.Payments/Pay``."""


class BreakerInterceptor(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[misc]
    """Lets calls with one request pass a breaker.

    A call that is not let through raises ``CircuitOpenError`` or ``LimitedError``. A call counts when it has ended: ``OK`` as a
    success, ``CANCELLED`` not at all, any other code as the policy's ``errorCodes`` say (``UNAVAILABLE``), a failure where they say
    nothing. Time limits and retries of the policy do not apply: give calls a ``timeout``. Raises ``ConfigError`` when the name
    cannot be used.
    """

    def __init__(self, breaker: Breaker | str) -> None:
        self._breaker = named(breaker)

    def intercept_unary_unary(self, continuation: Callable[..., Any], client_call_details: Any, request: Any) -> Any:
        return self._call(continuation, client_call_details, request)

    def intercept_unary_stream(self, continuation: Callable[..., Any], client_call_details: Any, request: Any) -> Any:
        return self._call(continuation, client_call_details, request)

    def _call(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        permit = enter_or_raise(self._breaker._current())

        def settle(call: Any) -> None:
            code = call.code()
            if code is grpc.StatusCode.OK:
                permit.succeed()
            elif code is grpc.StatusCode.CANCELLED:
                permit.ignore()
            else:
                permit.fail(call if isinstance(call, Exception) else call.exception())

        try:
            call = continuation(details, request)
        except BaseException:
            permit.ignore()
            raise
        call.add_done_callback(settle)
        return call


class AsyncBreakerInterceptor(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    """The same for ``grpc.aio.insecure_channel(…, interceptors=[…])`` and calls with one request and one answer.

    The time limit of the policy applies. Its retries do only with another ``retry`` than ``never``, because a client does not
    know which methods may be called twice; then each attempt is a call of grpc. Raises ``ValueError`` when ``retry`` is none of
    the choices.
    """

    def __init__(self, breaker: Breaker | str, *, retry: RpcRetryChoice = "never") -> None:
        if not callable(retry) and retry not in ("always", "never"):
            raise ValueError(f"retry must be 'always', 'never' or a function; it is {retry!r}")
        self._breaker = named(breaker)
        self._retry = retry

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        async def send() -> Any:
            call = await continuation(client_call_details, request)
            await call
            return call

        retry = self._retry
        may_retry = bool(retry(_method_of(client_call_details))) if callable(retry) else retry == "always"
        return await self._breaker.call_async(send, retry=may_retry)


def _method_of(details: Any) -> str:
    method = details.method
    return method.decode() if isinstance(method, bytes) else str(method)
