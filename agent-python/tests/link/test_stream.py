from __future__ import annotations

from urllib.parse import urlsplit

from fuseboard.link.connection import Endpoint
from fuseboard.link.stream import MOVE_MS, Stream
from fuseboard.warning import WarningLog
from scripted_operator import WAIT_S, ScriptedOperator

WAIT_MS = 1


def test_warns_of_an_operator_that_does_not_return_only_when_the_change_that_it_announced_is_over() -> None:
    warnings: list[str] = []
    now = 0.0
    operator = ScriptedOperator()
    stream = Stream(
        Endpoint(urlsplit(operator.url)),
        query=dict,
        resume_from=lambda: None,
        received=lambda message: None,
        closed=lambda: None,
        warn=WarningLog(warnings.append),
        now=lambda: now,
        random=lambda: 0.0,
    )
    stream.start()
    try:
        first = operator.streams.get(timeout=WAIT_S)
        hello = 'event: hello\ndata: {"protocol":1,"heartbeatMs":15000}\n'
        first.send(f'{hello}\nevent: goaway\ndata: {{"reconnectAfterMs":{WAIT_MS}}}\n')
        for at in (MOVE_MS - 1, MOVE_MS, MOVE_MS + WAIT_MS):
            refused = operator.streams.get(timeout=WAIT_S)
            assert warnings == []
            now = at
            refused.refuse(503, {})
        operator.streams.get(timeout=WAIT_S)
        assert warnings == [f"no policies from {operator.url}: it is not ready (503)"]
    finally:
        stream.stop()
        operator.stop()
