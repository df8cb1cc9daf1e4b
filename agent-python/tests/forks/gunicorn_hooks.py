"""The configuration of gunicorn whose workers report their last counts when they end."""

from __future__ import annotations

import fuseboard


def worker_exit(server: object, worker: object) -> None:
    fuseboard.Agent().stop(20)
