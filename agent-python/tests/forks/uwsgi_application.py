"""The application for uWSGI, whose workers report their last counts when they end."""

from __future__ import annotations

import atexit

import fuseboard
from forks.application import application

__all__ = ["application"]

atexit.register(fuseboard.Agent().stop, 20)
