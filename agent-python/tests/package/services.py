"""The services of ``test_wheel.py``, each as its framework's users write them."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from fastapi import FastAPI
from flask import Flask

import fuseboard
from fuseboard.contrib import flask as in_flask
from fuseboard.contrib import starlette as in_starlette
from fuseboard.contrib.celery import RetryWhenOpen

payments = fuseboard.get_breaker("payments")


def charge() -> str:
    raise ConnectionError("the partner is down")


def flask_app() -> Any:
    app = Flask("checkout")
    app.add_url_rule("/internal/breakers", view_func=in_flask.breaker_states)
    in_flask.reject_with_503(app)

    @app.get("/charge")
    def route() -> str:
        return payments.call(charge)

    return app


def fastapi_app() -> Any:
    app = FastAPI()
    app.add_route("/internal/breakers", in_starlette.breaker_states)
    in_starlette.reject_with_503(app)

    async def charge_later() -> str:
        return charge()

    @app.get("/charge")
    async def route() -> str:
        return await payments.call_async(charge_later)

    return app


celery = Celery("checkout", broker=os.environ.get("CELERY_REDIS"), backend=os.environ.get("CELERY_REDIS"))


@celery.task(base=RetryWhenOpen, bind=True, max_retries=0)
def charge_order(self: RetryWhenOpen, order: int) -> str:
    return payments.call(lambda: f"charged {order}")
