"""What runs in a forked child, and what a process does not fork in the middle of."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

LONGEST_WAIT_S = 1.0
"""How long a fork waits at most for what is in ``no_fork``, in seconds: a server that does not answer must not stop it."""

_changed = Condition()
_under_way = 0


@contextmanager
def no_fork() -> Iterator[None]:
    """Have forks wait until this is left, at most ``LONGEST_WAIT_S``. For threads of the agent, not for calls.

    The C library looks host names up under locks that nobody gives back in a child that is forked meanwhile: its first connection
    would wait for ever. The same goes for modules that a thread imports.
    """
    global _under_way
    changed = _changed
    with changed:
        _under_way += 1
    try:
        yield
    finally:
        with changed:
            # In a child, what was under way in the parent is not counted any more.
            if changed is _changed:
                _under_way -= 1
                changed.notify_all()


def _before() -> None:
    """Also keeps what is not under way yet from beginning, until ``_after_in_parent``."""
    _changed.acquire()
    deadline = time.monotonic() + LONGEST_WAIT_S
    while _under_way and (left := deadline - time.monotonic()) > 0:
        _changed.wait(left)


def _after_in_parent() -> None:
    _changed.release()


def _after_in_child() -> None:
    global _changed, _under_way
    _changed = Condition()
    _under_way = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)


def on_fork(in_child: Callable[[], None]) -> None:
    """Have ``in_child`` run in every process that is forked from this one, as far as forks are noticed.

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
