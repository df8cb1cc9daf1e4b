"""The offer service: passes on the partner's hot offer, and answers with a cold one when it cannot get it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import fuseboard
import httpx
from fastapi import FastAPI
from service import serve

COLD = {"temperature": "cold", "offer": "the usual price, any day"}

partner = fuseboard.get_breaker("partner-offer")
# What ``GET /offer/circuit`` remembers.
changes: deque[str] = deque(maxlen=20)


def remember(event: fuseboard.TransitionEvent) -> None:
    changes.append(f"{event.from_state} -> {event.to_state}")
    print(f"circuit {partner.name}: {event.from_state} -> {event.to_state} ({event.reason})", flush=True)


partner.on("transition", remember)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    agent = fuseboard.start()
    async with httpx.AsyncClient(base_url=os.environ["PARTNER_URL"]) as client:
        app.state.client = client
        yield
    agent.stop(0.5)


app = FastAPI(lifespan=lifespan)


async def hot_offer() -> Any:
    response = await app.state.client.get("/offer")
    # Its HTTPStatusError carries the status, by which the policy decides what failed.
    return response.raise_for_status().json()


def cold_offer(failure: object) -> Any:
    print(f"a cold offer: {failure}", flush=True)
    return COLD


@app.get("/offer")
async def offer() -> Any:
    return await partner.call_async(hot_offer, fallback=cold_offer)


@app.get("/offer/circuit")
async def circuit() -> dict[str, Any]:
    stats, policy = partner.stats(), partner.policy
    return {
        "current_state": stats.state,
        "fail_counter": stats.consecutive_failures,
        "fail_max": policy.spec.get("trip", {}).get("consecutiveFailures") if policy else None,
        "policy": policy.name if policy else None,
        "totals": stats.totals,
        "retry_after_ms": round(stats.retry_after * 1_000),
        "changes": list(changes),
    }


serve(app)
