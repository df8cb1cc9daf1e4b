"""A Celery application: each task is one call through a breaker, and says in which process it was."""

from __future__ import annotations

import os

from celery import Celery

import fuseboard

payments = fuseboard.get_breaker("payments")
app = Celery("forks", broker=os.environ["CELERY_REDIS"], backend=os.environ["CELERY_REDIS"])


@app.task(name="forks.pay")
def pay() -> int:
    payments.call(lambda: None)
    return os.getpid()
