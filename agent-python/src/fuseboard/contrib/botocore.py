"""For botocore and boto3: ``protect(boto3.client("s3"), "s3")``."""

from __future__ import annotations

from typing import Any

from ..breakers.breaker import Breaker
from ..call.enter import enter_or_raise
from .outgoing import named

_PERMIT = "fuseboard_permit"


class _Answered(Exception):
    """An answer as a breaker classifies it: by its status."""

    def __init__(self, status: int, headers: Any) -> None:
        super().__init__(f"HTTP {status}")
        self.status_code = status
        self.headers = headers


def protect(client: Any, breaker: Breaker | str) -> None:
    """Let every API call of a client pass a breaker.

    A call that is not let through raises ``CircuitOpenError`` or ``LimitedError`` before anything is sent. The retries of
    botocore happen inside of one call. An answer counts by its HTTP status as the policy says, 5xx fails where it says nothing; a
    call without an answer counts by its exception. Time limits and retries of the policy do not apply: they are the client's.
    Raises ``ConfigError`` when the name cannot be used.
    """
    through = named(breaker)

    def before(context: dict[str, Any], **rest: Any) -> None:
        context[_PERMIT] = enter_or_raise(through._current())

    def after(http_response: Any, context: dict[str, Any], **rest: Any) -> None:
        permit = context.pop(_PERMIT, None)
        if permit is not None:
            permit.fail(_Answered(http_response.status_code, http_response.headers))

    def failed(exception: BaseException, context: dict[str, Any], **rest: Any) -> None:
        permit = context.pop(_PERMIT, None)
        if permit is not None:
            permit.fail(exception)

    events = client.meta.events
    events.register_last("before-call", before)
    events.register_first("after-call", after)
    events.register_first("after-call-error", failed)
