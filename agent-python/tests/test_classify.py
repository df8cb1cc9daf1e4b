"""What an exception's names, codes and status are, and how outcomes are classified."""

from __future__ import annotations

import errno
import socket
import sys
import urllib.error
from email.message import Message
from typing import Any

import pytest

from fuseboard.core.classify import classify_error, classify_result
from fuseboard.core.config.config import Config, compile_spec
from fuseboard.core.outcomes.outcome_facts import MAX_MEMBERS
from fuseboard.core.retry_after import retry_after_ms


def outcome_of(error: BaseException, **sides: Any) -> str:
    config = compile_spec({"classify": sides})
    assert isinstance(config, Config)
    return classify_error(config.classification, error)


def names(error: BaseException, *listed: str) -> bool:
    """Whether a name of the exception is among these."""
    return outcome_of(error, ignore={"errorNames": list(listed)}) == "ignored"


def codes(error: BaseException, *listed: str) -> bool:
    return outcome_of(error, ignore={"errorCodes": list(listed)}) == "ignored"


class Carrier(Exception):
    def __init__(self, **fields: Any) -> None:
        super().__init__()
        vars(self).update(fields)


class Answer:
    def __init__(self, **fields: Any) -> None:
        vars(self).update(fields)


class TestNames:
    def test_are_those_of_all_classes_with_and_without_their_module(self) -> None:
        error = ConnectionRefusedError()
        for name in ("ConnectionRefusedError", "ConnectionError", "OSError", "Exception", "builtins.OSError"):
            assert names(error, name)
        assert not names(error, "object", "TimeoutError", "requests.exceptions.ConnectionError")

    def test_are_its_own_where_it_has_one(self) -> None:
        assert names(Carrier(name="Special"), "Special")
        assert not names(ImportError("no", name="requests"), "requests")
        assert not names(AttributeError(name="get"), "get")


class TestCodes:
    def test_are_texts_and_numbers(self) -> None:
        assert codes(Carrier(code="E1"), "E1")
        assert codes(Carrier(code=42), "42")
        assert codes(Carrier(code=1.5), "1.5")
        assert not codes(Carrier(code=True), "True", "1")

    def test_are_the_symbols_of_system_errors(self) -> None:
        assert codes(ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "ECONNREFUSED")
        assert codes(socket.gaierror(socket.EAI_AGAIN, "again"), "EAI_AGAIN")
        assert not codes(OSError("no number"), "ECONNREFUSED")

    def test_are_what_grpc_databases_and_botocore_have(self) -> None:
        assert codes(Carrier(code=lambda: Answer(name="UNAVAILABLE")), "UNAVAILABLE")
        assert codes(Carrier(sqlstate="57P01"), "57P01")
        assert codes(Carrier(pgcode="57P01"), "57P01")
        response = {"Error": {"Code": "Throttling"}}
        assert codes(Carrier(response=response), "Throttling")


class TestStatuses:
    @pytest.mark.parametrize(
        "error",
        [
            Carrier(response=Answer(status_code=404)),
            Carrier(response=Answer(status=404)),
            Carrier(status=404),
            Carrier(status_code=404),
            Carrier(statusCode=404),
            Carrier(response={"ResponseMetadata": {"HTTPStatusCode": 404}}),
            Carrier(response=Answer(status_code=404), status=503),
            Carrier(response=Answer(status_code=700), status=404),
            Carrier(status=404, status_code=503),
        ],
    )
    def test_decide_alone(self, error: Exception) -> None:
        assert outcome_of(error) == "success"
        assert outcome_of(error, failure={"httpStatus": ["404"]}) == "failure"
        assert outcome_of(error, failure={"errorNames": ["Carrier"]}) == "success"
        assert outcome_of(error, ignore={"httpStatus": ["4xx"]}) == "ignored"

    def test_are_the_code_of_urllib(self) -> None:
        with urllib.error.HTTPError("http://127.0.0.1", 404, "missing", Message(), None) as error:
            assert outcome_of(error) == "success"

    @pytest.mark.parametrize("status", [True, "404", 99, 600, 404.0, None])
    def test_are_whole_numbers_in_range(self, status: Any) -> None:
        assert outcome_of(Carrier(status=status)) == "failure"

    def test_of_a_result_need_headers(self) -> None:
        config = compile_spec({})
        assert isinstance(config, Config)
        of = config.classification
        assert classify_result(of, Answer(status_code=503, headers={})) == "failure"
        assert classify_result(of, Answer(status=503, headers={})) == "failure"
        assert classify_result(of, Answer(status_code=404, headers={})) == "success"
        for result in (
            Answer(status_code=503),
            Answer(status=503, headers=[]),
            {"status": 503, "headers": {}},
            503,
            None,
        ):
            assert classify_result(of, result) == "success"


class TestCauses:
    def test_count_by_name_and_code_and_status(self) -> None:
        error = Carrier()
        error.__cause__ = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
        assert codes(error, "ECONNREFUSED")
        assert names(error, "ConnectionRefusedError")
        error.__cause__ = Carrier(status=404)
        assert outcome_of(error) == "success"
        plain = ValueError()
        plain.__cause__ = error
        assert outcome_of(plain) == "success"

    def test_have_no_say_by_status_where_they_were_only_being_handled(self) -> None:
        error = Carrier()
        error.__context__ = Carrier(status=404)
        assert outcome_of(error) == "failure"

    def test_are_the_context_unless_it_is_suppressed(self) -> None:
        error = Carrier()
        error.__context__ = KeyError()
        assert names(error, "KeyError")
        error.__suppress_context__ = True
        assert not names(error, "KeyError")

    def test_may_go_round_in_a_circle_or_be_many(self) -> None:
        error, cause = Carrier(), Carrier()
        error.__cause__, cause.__cause__ = cause, error
        assert not names(error, "KeyError")
        last: BaseException = KeyError()
        for _ in range(1_000):
            each = Carrier()
            each.__cause__ = last
            last = each
        assert not names(last, "KeyError")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there are no groups before Python 3.11")
class TestGroups:
    def test_fail_when_one_of_them_does(self) -> None:
        group = getattr(__import__("builtins"), "ExceptionGroup")  # noqa: B009
        missing, down = Carrier(status=404), Carrier(status=503)
        assert outcome_of(group("g", [missing, down])) == "failure"
        assert outcome_of(group("g", [missing, group("h", [missing])])) == "success"
        assert outcome_of(group("g", [down]), ignore={"httpStatus": ["5xx"]}) == "ignored"
        assert outcome_of(group("g", [OSError()]), ignore={"errorNames": ["ExceptionGroup"]}) == "ignored"
        many = group("g", [missing] * MAX_MEMBERS + [down])
        assert outcome_of(many) == "success"


class TestWhatIsNoException:
    @pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), GeneratorExit()])
    def test_is_ignored(self, error: BaseException) -> None:
        assert outcome_of(error) == "ignored"

    def test_raises_when_looked_at(self) -> None:
        class Broken(Exception):
            @property
            def status(self) -> int:
                raise RuntimeError

        assert outcome_of(Broken()) == "failure"


class TestRetryAfter:
    NOW = 1_767_225_600_000  # 2026-01-01

    @pytest.mark.parametrize(
        ("headers", "ms"),
        [
            ({"retry-after": "3"}, 3_000),
            ({"Retry-After": " 2 "}, 2_000),
            ({"Retry-After": 2}, 2_000),
            ({"RETRY-AFTER": "2"}, 2_000),
            ({"Retry-After-Ms": "1500.5", "Retry-After": "9"}, 1_501),
            ({"retry-after-ms": "soon", "Retry-After": "9"}, 9_000),
            ({"Retry-After": "Thu Jan  1 00:00:05 2026"}, 5_000),
            ({"Retry-After": b"2"}, 2_000),
            ({"Retry-After": "-1"}, 0),
            ({"Retry-After": "1.5"}, 0),
            ({"Retry-After": "1234567890"}, 0),
            ({"Retry-After": "Thu, 01 Jan 2026 00:00:05 GMT"}, 5_000),
            ({"Retry-After": "Thursday, 01-Jan-26 00:00:05 GMT"}, 5_000),
            ({"Retry-After": "Wed, 31 Dec 2025 00:00:05 GMT"}, 0),
            ({"Retry-After": "Thu, 99 Foo 2026 00:00:05 GMT"}, 0),
            ({}, 0),
            (None, 0),
        ],
    )
    def test_is_seconds_or_a_date(self, headers: Any, ms: float) -> None:
        for outcome in (Carrier(headers=headers), Carrier(response=Answer(headers=headers)), Answer(headers=headers)):
            assert retry_after_ms(outcome, lambda: self.NOW) == ms
