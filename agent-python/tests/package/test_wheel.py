"""The wheel in environments that have nothing else of this repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import fuseboard
from child_processes import ended_after
from e2e.processes import eventually, free_port
from fuseboard.testing import FakeControlPlane

PACKAGE = Path(__file__).parents[2]
README = (PACKAGE / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PRINTS = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)


def run(*arguments: object, **environment: str) -> str:
    ended = subprocess.run(
        [str(each) for each in arguments],
        env={"PATH": os.environ["PATH"], **environment},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "-w", folder, PACKAGE]
    run(sys.executable, *build)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has nothing but pip."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=True)
    return folder / "bin" / "python"


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    assert wheel.name == f"fuseboard-{fuseboard.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith("/METADATA")]
        assert "Requires-Dist" not in archive.read(metadata).decode()
    assert "fuseboard/py.typed" in names
    assert {name.split("/")[0] for name in names} == {"fuseboard", f"fuseboard-{fuseboard.__version__}.dist-info"}


def test_the_readme_is_right_word_for_word_in_an_empty_environment(wheel: Path, empty: Path) -> None:
    installed = False
    for language, code in BLOCK.findall(README):
        if language == "bash":
            # The package index of the test is the folder of the wheel.
            run("bash", "-ec", code, PATH=f"{empty.parent}:{os.environ['PATH']}", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheel.parent))  # fmt: skip
            installed = True
        else:
            assert run(empty, "-W", "error", "-c", code).splitlines() == PRINTS.findall(code)
    assert installed


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel beside the libraries of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", folder, wheel)
    return folder


@pytest.fixture
def plane() -> Iterator[FakeControlPlane]:
    with FakeControlPlane() as started:
        started.push({"payments": {"breakers": ["payments"], "trip": {"consecutiveFailures": 2}}})
        yield started


SERVERS = {
    "Flask": ["gunicorn", "--bind=127.0.0.1:{port}", "services:flask_app()"],
    "FastAPI": ["uvicorn", "--factory", "--port={port}", "--log-level=warning", "services:fastapi_app"],
}


@pytest.mark.parametrize("server", SERVERS)
def test_a_service_applies_its_policy(server: str, installed: Path, plane: FakeControlPlane, tmp_path: Path) -> None:
    port = free_port()
    program, *arguments = SERVERS[server]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name(program)), *(each.format(port=port) for each in arguments)],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{installed}:{Path(__file__).parent}",
                "FUSEBOARD_URL": plane.url,
                "FUSEBOARD_SERVICE": "checkout",
            },
            stdout=log,
            stderr=log,
        )

    def ask(path: str) -> tuple[int, dict[str, str], bytes]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as response:
                return response.status, {}, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()

    def state() -> str:
        (breaker,) = json.loads(ask("/internal/breakers")[2])["breakers"]
        return str(breaker["state"])

    with ended_after(process):
        eventually(lambda: ask("/internal/breakers")[0] == 200)
        # The first call starts the link; the policy comes soon after, and opens the circuit after two failures.
        eventually(lambda: ask("/charge")[0] == 503)
        status, headers, body = ask("/charge")
        assert (status, "retry-after" in headers) == (503, True)
        assert json.loads(body)["code"] == "ERR_FUSEBOARD_OPEN"
        assert state() == "open"
        plane.until(lambda p: any(report["breakers"] for report in p.reports))


def test_a_task_of_a_celery_worker_is_a_call(
    installed: Path, plane: FakeControlPlane, redis_port: int, tmp_path: Path
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{installed}:{Path(__file__).parent}",
        "FUSEBOARD_URL": plane.url,
        "FUSEBOARD_SERVICE": "billing",
        "CELERY_REDIS": f"redis://127.0.0.1:{redis_port}/2",
    }
    work = ["celery", "--app=services:celery", "worker", "--pool=prefork", "--concurrency=1", "--loglevel=WARNING"]

    def charge(order: int) -> str:
        code = (
            "from services import charge_order\n"
            f"print(repr(charge_order.delay({order}).get(timeout=120, propagate=False)))"
        )
        return run(sys.executable, "-c", code, **environment).strip()

    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", *work], env=environment, stdout=log, stderr=log)
    with ended_after(process):
        assert charge(7) == "'charged 7'"
        plane.override([{"name": "stop", "breakers": ["payments"], "action": "ForceOpen", "reason": "drill"}])
        plane.until(lambda p: any(report.get("overrides") for report in p.reports))
        assert charge(8).startswith("CircuitOpenError('payments', ")
