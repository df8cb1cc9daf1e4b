"""Files that somebody else may have put in the place of those that the agent reads."""

from __future__ import annotations

import ast
import os
import stat
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import fuseboard
from fuseboard.link.bootstrap import read_bootstrap
from fuseboard.link.connection import Endpoint, LinkError, authorization, connect
from fuseboard.link.files import UnusableFile, read_file
from fuseboard.link.settings import Mounts, StartOptions, read_settings

SOURCES = Path(fuseboard.__file__).parent
HTTPS = urlsplit("https://127.0.0.1:1/")


def bootstrap(path: str) -> str:
    return str(read_bootstrap(path, None, {}).problem)


def token(path: str) -> str:
    with pytest.raises(LinkError) as raised:
        authorization(Endpoint(HTTPS, token_file=path))
    return str(raised.value)


def authority(path: str) -> str:
    with pytest.raises(LinkError) as raised:
        connect(HTTPS, Endpoint(HTTPS, ca_file=path), 1)
    return str(raised.value)


@pytest.mark.parametrize("reads", [bootstrap, token, authority])
def test_neither_a_pipe_nor_a_device_nor_a_huge_file_is_read(reads: Callable[[str], str], tmp_path: Path) -> None:
    pipe, sparse = tmp_path / "pipe", tmp_path / "sparse"
    os.mkfifo(pipe)
    sparse.touch()
    os.truncate(sparse, 1 << 36)
    assert "is not a file" in reads(str(pipe))
    assert "is not a file" in reads("/dev/zero")
    assert "is a directory" in reads(str(tmp_path)).lower() or "is not a file" in reads(str(tmp_path))
    assert "is larger than" in reads(str(sparse))


def test_nor_for_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "url")
    os.mkfifo(tmp_path / "namespace")
    os.mkfifo(tmp_path / "pyproject.toml")
    monkeypatch.setattr("sys.argv", [str(tmp_path / "service.py")])
    folder = str(tmp_path)
    settings = read_settings(StartOptions(), {}, Mounts(folder, folder, folder))
    assert settings.url is None and settings.namespace is None


def test_a_file_that_grows_meanwhile_is_read_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1_024)
    assert read_file(str(path), 1_024) == b"x" * 1_024

    def grow(found: os.stat_result) -> None:
        path.write_bytes(b"x" * 1_025)

    with pytest.raises(UnusableFile, match="larger than 1 KiB"):
        read_file(str(path), 1_024, grow)
    with pytest.raises(UnusableFile, match="because"):
        read_file(
            str(path), 10_000, lambda found: "is refused because of its mode" if stat.S_ISREG(found.st_mode) else None
        )


def test_a_bootstrap_policy_whose_name_has_half_a_character_is_as_good_as_any(tmp_path: Path) -> None:
    path = tmp_path / "policies.json"
    path.write_text('[{"metadata":{"name":"\\ud800"},"spec":{"breakers":["a"]}}]')
    stored = read_bootstrap(str(path), None, {}).stored
    assert stored is not None and len(stored["policies"]) == 1


def test_a_bundle_with_comments_in_any_language_is_used(tmp_path: Path) -> None:
    bundle = next(
        Path(each) for each in ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/cert.pem") if Path(each).exists()
    )
    path = tmp_path / "ca.crt"
    path.write_text("# Autorité de Łódź\n" + bundle.read_text("utf-8"), "utf-8")
    assert connect(HTTPS, Endpoint(HTTPS, ca_file=str(path)), 1).sock is None


def test_nothing_else_opens_files_to_read_them() -> None:
    found: list[str] = []
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called.split(".")[-1] in (
                    "open",
                    "read_text",
                    "read_bytes",
                    "load_verify_locations",
                    "load_cert_chain",
                ):
                    found.append(f"{path.relative_to(SOURCES).as_posix()}: {called}")
    # The file of last good policies is written, and the fake operator of tests has a certificate.
    assert found == [
        "link/files.py: os.open",
        "link/files.py: open",
        "link/last_good.py: os.open",
        "link/last_good.py: open",
        "testing/fake_control_plane.py: context.load_cert_chain",
    ]
