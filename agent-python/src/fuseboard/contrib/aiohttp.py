"""A client middleware for aiohttp: ``aiohttp.ClientSession(middlewares=[breaker_middleware("payments")])``."""

from __future__ import annotations

import aiohttp

from .outgoing import BreakerChoice, OutgoingRequest, chooser


def breaker_middleware(choice: BreakerChoice) -> aiohttp.ClientMiddlewareType:
    """Send requests through a breaker; needs aiohttp 3.12 or later.

    What comes back is aiohttp's own; only a call that was not made, or was given up after the policy's time limit, raises an
    error of Fuseboard. A response counts by its status as the policy says, 5xx fails where it says nothing. The retries of the
    policy do not apply, because a request of aiohttp is written once. Raises ``ConfigError`` when a name cannot be used.
    """
    choose = chooser(choice)

    async def send(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        breaker = choose(lambda: OutgoingRequest(request.method.upper(), request.url.host or "", request.url.path))
        return await breaker.call_async(lambda: handler(request), retry=False)

    return send
