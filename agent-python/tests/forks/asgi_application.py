"""The same for ASGI: every request is one call through a breaker in an event loop; its process reports its last counts when it ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import fuseboard

payments = fuseboard.get_breaker("payments")


async def application(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.to_thread(fuseboard.Agent().stop, 20)
        await send({"type": "lifespan.shutdown.complete"})
        return
    await payments.call_async(asyncio.sleep, 0)
    headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
