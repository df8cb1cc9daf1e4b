"""The link by itself, without an operator."""

from __future__ import annotations

from fuseboard.breakers.registry import Registry
from fuseboard.link.ledger import Ledger
from fuseboard.link.link import Link
from fuseboard.link.settings import StartOptions, read_settings
from fuseboard.warning import WarningLog

NO_TRIP = {"recovery": {"openDuration": "5s"}}


def test_starts_once_and_never_again_after_its_end() -> None:
    registry = Registry()
    warnings: list[str] = []
    link = Link(read_settings(StartOptions(), {}), registry, Ledger("c" * 32), WarningLog(warnings.append), lambda: 0.0)
    link.start()
    link.start()
    registry.get_breaker("first", NO_TRIP)
    assert len(warnings) == 1
    assert 'nothing can open the circuit of "first"' in warnings[0]
    link.hang_up()
    link.start()
    registry.get_breaker("second", NO_TRIP)
    assert len(warnings) == 1
