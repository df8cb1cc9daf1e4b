"""The adapters of web frameworks, each in a real application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import django
import fastapi
import flask
import httpx
import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

import fuseboard
from fuseboard.contrib import django as for_django
from fuseboard.contrib import flask as for_flask
from fuseboard.contrib import starlette as for_starlette

Ask = Callable[[str], tuple[int, dict[str, str], Any]]


def charge() -> None:
    fuseboard.get_breaker("payments").call(lambda: None)


def with_fastapi() -> Ask:
    app = fastapi.FastAPI()
    app.add_route("/breakers", for_starlette.breaker_states)
    for_starlette.reject_with_503(app)

    @app.get("/offer")
    async def offer() -> str:
        async def work() -> None:
            return None

        await fuseboard.get_breaker("payments").call_async(work)
        return "fine"

    return asking(through_asgi(app))


def through_asgi(app: Any) -> Callable[[str], Any]:
    def get(at: str) -> Any:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
                return await client.get(at)

        return asyncio.run(send())

    return get


def with_starlette() -> Ask:
    def offer(request: Any) -> Any:
        charge()
        return JSONResponse("fine")

    app = Starlette(routes=[Route("/offer", offer), Route("/breakers", for_starlette.breaker_states)])
    for_starlette.reject_with_503(app)
    return asking(through_asgi(app))


def with_flask() -> Ask:
    app = flask.Flask("test")
    app.add_url_rule("/breakers", view_func=for_flask.breaker_states)
    for_flask.reject_with_503(app)

    @app.get("/offer")
    def offer() -> str:
        charge()
        return "fine"

    client = app.test_client()

    def ask(at: str) -> tuple[int, dict[str, str], Any]:
        response = client.get(at)
        return response.status_code, dict(response.headers), response.get_json(silent=True)

    return ask


def sync_offer(request: Any) -> HttpResponse:
    charge()
    return HttpResponse("fine")


async def async_offer(request: Any) -> HttpResponse:
    charge()
    return HttpResponse("fine")


urlpatterns = [
    path("offer", sync_offer),
    path("async-offer", async_offer),
    path("breakers", for_django.breaker_states),
]


def with_django() -> Ask:
    set_up_django()
    return asking(Client().get)


def with_async_django() -> Ask:
    set_up_django()
    client: Any = AsyncClient()

    def get(at: str) -> Any:
        return asyncio.run(client.get(at.replace("offer", "async-offer")))

    return asking(get)


def set_up_django() -> None:
    if not settings.configured:
        settings.configure(
            ROOT_URLCONF=__name__,
            ALLOWED_HOSTS=["*"],
            MIDDLEWARE=["fuseboard.contrib.django.RejectWith503"],
            SECRET_KEY="of a test",
        )
        django.setup()


def asking(get: Callable[[str], Any]) -> Ask:
    def ask(at: str) -> tuple[int, dict[str, str], Any]:
        response = get(at)
        is_json = "json" in response.headers.get("content-type", "")
        return (
            response.status_code,
            {name: response.headers[name] for name in response.headers},
            is_json and response.json(),
        )

    return ask


@pytest.fixture(
    params=[with_fastapi, with_starlette, with_flask, with_django, with_async_django],
    ids=["fastapi", "starlette", "flask", "django", "async django"],
)
def ask(request: pytest.FixtureRequest) -> Ask:
    made: Ask = request.param()
    return made


def test_answers_503_with_retry_after_while_a_circuit_is_open(ask: Ask) -> None:
    breaker = fuseboard.get_breaker("payments")
    assert ask("/offer")[0] == 200
    breaker.force_open("maintenance", 90)
    status, headers, body = ask("/offer")
    assert status == 503
    assert {name.lower(): value for name, value in headers.items()}["retry-after"] == "90"
    assert body["code"] == "ERR_FUSEBOARD_OPEN" and "payments" not in str(body)


def test_shows_the_breakers_of_the_process(ask: Ask) -> None:
    fuseboard.get_breaker("calm")
    fuseboard.get_breaker("payments", {"trip": {"consecutiveFailures": 1}}).force_open("maintenance", 90)
    status, headers, body = ask("/breakers")
    assert (status, {name.lower(): value for name, value in headers.items()}["cache-control"]) == (200, "no-store")
    assert (body["link"], body["total"]) == ("Defaults", 2)
    assert [(each["name"], each["state"], each["source"]) for each in body["breakers"]] == [
        ("payments", "open", "defaults"),
        ("calm", "closed", "none"),
    ]
