"""What a forked child is told of."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable


def on_fork(in_child: Callable[[], None]) -> None:
    """Have ``in_child`` run in every process that is forked from this one, as far as somebody tells of forks.

    ``os.fork`` and what builds on it (gunicorn, Celery, multiprocessing) tell the interpreter's own hooks. uWSGI forks past
    them and has hooks of its own.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=in_child)
    try:
        importlib.import_module("uwsgi")
        importlib.import_module("uwsgidecorators").postfork(in_child)
    except Exception:
        # Not under uWSGI, which is the usual case: the module exists only inside its processes.
        return
