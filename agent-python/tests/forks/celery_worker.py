"""A Celery application: each task is one call through a breaker, and says in which process it was."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import worker_process_shutdown

import fuseboard

payments = fuseboard.get_breaker("payments")
app = Celery("forks", broker=os.environ["CELERY_REDIS"], backend=os.environ["CELERY_REDIS"])


@app.task(name="forks.pay")
def pay() -> int:
    payments.call(lambda: None)
    return os.getpid()


@worker_process_shutdown.connect  # type: ignore[untyped-decorator, unused-ignore]
def stop(**_: object) -> None:
    agent = fuseboard.Agent()
    # A process that ends right after its first task may not be connected yet.
    agent.ready(20)
    agent.stop(20)
