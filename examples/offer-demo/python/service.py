"""How a service of the demo listens, and ends."""

from __future__ import annotations

import os
import signal
import sys
import threading

import uvicorn
from fastapi import FastAPI

HOST = "127.0.0.1"


def serve(app: FastAPI) -> None:
    """Listen on ``PORT`` of this machine only, until SIGTERM or until the process that started this one is gone."""
    if not sys.stdin.isatty():
        threading.Thread(target=_end_with_parent, daemon=True).start()
    uvicorn.run(app, host=HOST, port=int(os.environ["PORT"]), log_level="warning")


def _end_with_parent() -> None:
    # Standard input ends when the other end of the pipe is closed, however that process ended.
    while os.read(0, 1024):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
