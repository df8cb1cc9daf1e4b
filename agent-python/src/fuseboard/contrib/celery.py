"""For Celery: ``@app.task(base=RetryWhenOpen, bind=True, max_retries=10)``."""

from __future__ import annotations

import math
from typing import Any

from celery import Task

from .states import REJECTIONS


class RetryWhenOpen(Task):  # type: ignore[type-arg]
    """A task that is tried again later when a breaker did not let its call through and nobody caught the error.

    The countdown is what the breaker says, at least a second; a task that is tried again for this counts towards its
    ``max_retries``. Every other error is the task's own.
    """

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except REJECTIONS as error:
            raise self.retry(exc=error, countdown=max(1, math.ceil(error.retry_after))) from error
