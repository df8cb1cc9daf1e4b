from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from fake_timers import FakeTimers
from fuseboard.link.last_good import LastGoodFile, last_good_path, read_last_good
from fuseboard.link.settings import StartOptions, read_settings
from fuseboard.warning import WarningLog

SET: dict[str, Any] = {
    "revision": "r1",
    "asOf": {"policies": "9"},
    "routes": [["payments", "u1"]],
    "policies": [{"uid": "u1", "generation": 3, "name": "pay", "spec": {"breakers": ["payments"], "x": "é\U0001f600"}}],
    "rejections": [],
}


def save(path: Path, stored: dict[str, Any], is_reset: bool = False, warnings: list[str] | None = None) -> None:
    timers = FakeTimers()
    LastGoodFile(str(path), timers, WarningLog((warnings if warnings is not None else []).append)).save(
        stored, is_reset
    )
    timers.advance(250)


def test_keeps_a_set_for_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "a.json"
    save(path, SET)
    assert read_last_good(str(path)).stored == SET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["a.json"]


def test_writes_once_things_are_quiet(tmp_path: Path) -> None:
    path, timers = tmp_path / "a.json", FakeTimers()
    file = LastGoodFile(str(path), timers, WarningLog(pytest.fail))
    file.save(SET, False)
    timers.advance(249)
    file.save({**SET, "revision": "r2"}, False)
    timers.advance(249)
    assert not path.exists()
    timers.advance(1)
    stored = read_last_good(str(path)).stored
    assert stored is not None and stored["revision"] == "r2"


def test_an_older_set_does_not_replace_a_newer_one_but_by_a_reset(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    older = {**SET, "revision": "r0", "asOf": {"policies": "8"}}
    save(path, SET)
    save(path, older)
    assert read_last_good(str(path)).stored == SET
    save(path, older, is_reset=True)
    assert read_last_good(str(path)).stored == older


def test_is_as_if_there_were_none_when_it_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert read_last_good(str(path)) == read_last_good(str(tmp_path / "b.json"))
    save(path, SET)
    assert "belongs to another user" in str(read_last_good(str(path), owner=os.getuid() + 1).problem)
    path.chmod(0o602)
    assert "can be written by everybody" in str(read_last_good(str(path)).problem)
    path.chmod(0o660)
    assert read_last_good(str(path)).stored == SET
    os.link(path, tmp_path / "second.json")
    assert "has more than one name" in str(read_last_good(str(path)).problem)
    os.unlink(tmp_path / "second.json")
    link = tmp_path / "link.json"
    link.symlink_to(path)
    assert "symbolic link" in str(read_last_good(str(link)).problem)
    os.mkfifo(tmp_path / "pipe")
    assert "not a file" in str(read_last_good(str(tmp_path / "pipe")).problem)
    assert "not a file" in str(read_last_good(str(tmp_path)).problem)
    content = path.read_bytes()
    for spoilt in (content[:-1], content.replace(b"r1", b"r2"), b"", b"\n", content.split(b"\n")[1]):
        path.write_bytes(spoilt)
        assert "damaged" in str(read_last_good(str(path)).problem)
    with path.open("wb") as file:
        file.truncate(8 * 2**20 + 1)
    assert "larger than 8 MiB" in str(read_last_good(str(path)).problem)


def test_warns_once_when_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    warnings: list[str] = []
    timers = FakeTimers()
    file = LastGoodFile(str(tmp_path / "file" / "a.json"), timers, WarningLog(warnings.append))
    for _ in range(2):
        file.save(SET, False)
        timers.advance(250)
    assert len(warnings) == 1 and "cannot be kept" in warnings[0]


def test_is_written_later_when_it_could_not_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.write_text("")
    warnings: list[str] = []
    timers = FakeTimers()
    file = LastGoodFile(str(folder / "a.json"), timers, WarningLog(warnings.append))
    file.save(SET, True)
    timers.advance(250)
    timers.advance(60_000)
    assert len(warnings) == 1
    folder.unlink()
    timers.advance(59_999)
    assert not folder.exists()
    timers.advance(1)
    assert read_last_good(str(folder / "a.json")).stored == SET
    assert timers.waiting == []


def test_its_name_is_for_operator_namespace_service_and_labels() -> None:
    def name(**options: object) -> str:
        all_options = {
            "url": "http://a:80",
            "service": "s",
            "cache_dir": "/c",
            "namespace": "n",
            "labels": {"a": "1", "b": "2"},
        }
        return str(last_good_path(read_settings(StartOptions(**{**all_options, **options}), {})))  # type: ignore[arg-type]

    # What the Node agent makes of the same, so that both agents of one service could share a cache.
    assert name() == "/c/fuseboard-9ad8c3493697a2ade3bc31a8f09fc21e.json"
    assert name() == name(url="http://a/") == name(labels={"b": "2", "a": "1"})
    others = {name(url="http://b"), name(service="t"), name(namespace="m"), name(labels={"a": "1"})}
    assert len(others | {name()}) == 5
    assert last_good_path(read_settings(StartOptions(url="http://a"), {})) is None
