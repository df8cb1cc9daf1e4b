"""Runs random cases through the cores of both agents in lock step and compares what is to be seen.

    python fuzz/differential/run.py --seed 1 --steps 1000000

Prints how many steps a second it makes and how many differences it found, each made as small as it can be, and ends with 1 when
there was one. ``--self-test`` plants differences in the Python core and ends with 1 when one of them is not found.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "agent-python" / "src"), str(Path(__file__).parent)]

from cases import CaseMaker  # noqa: E402
from planted import PLANTED, plant  # noqa: E402
from python_core import Run  # noqa: E402

from fuseboard import ConfigError  # noqa: E402

STEPS_OF_CASE = 150
CLOSE = 1e-9
"""Powers may differ in their last digits."""


class NodeCore:
    """The core of the Node agent, in a process of its own."""

    def __init__(self) -> None:
        node = ROOT / "node_modules" / ".bin" / "node"
        script = Path(__file__).with_name("node-core.ts")
        arguments = [str(node), "--conditions=fuseboard-source", "--disable-warning=ExperimentalWarning", str(script)]
        self._process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def begin(self, case: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(case) + "\n")
        self._process.stdin.flush()

    def seen(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process of the Node agent has ended")
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def seen_by_python(case: dict[str, Any]) -> Any:
    try:
        run = Run(case)
    except (ConfigError, TypeError) as error:
        return {"refused": str(error)}
    return run.all(case["steps"])


def same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b or math.isclose(a, b, rel_tol=CLOSE, abs_tol=CLOSE)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) or as_old(name, a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def as_old(name: str, a: Any, b: Any) -> bool:
    """Breakers of the Node agent that are made within a millisecond share when they were."""
    return name == "sinceMs" and abs(a - b) < 1


def first_difference(node: Any, python: Any) -> int | None:
    """The index of the first step after which the two differ; 0 where one refused the policy."""
    if isinstance(node, dict) or isinstance(python, dict):
        return None if same(node, python) else 0
    for index, (a, b) in enumerate(zip(node, python, strict=True)):
        if not same(a, b):
            return index
    return None


def difference_of(core: NodeCore, case: dict[str, Any]) -> int | None:
    core.begin(case)
    python = seen_by_python(case)
    return first_difference(core.seen(), python)


def smaller(core: NodeCore, case: dict[str, Any]) -> dict[str, Any]:
    """The same difference with as few steps and fields as possible."""
    at = difference_of(core, case)
    if at is None:
        return case
    case = {**case, "steps": case["steps"][: at + 1]}
    size = max(1, len(case["steps"]) // 2)
    while size:
        start = 0
        while start < len(case["steps"]) - 1:
            steps = case["steps"][:start] + case["steps"][start + size :]
            other = {**case, "steps": steps}
            if steps and difference_of(core, other) is not None:
                case = other
            else:
                start += size
        size //= 2
    for path in list(paths(case["policy"])):
        policy = without(case["policy"], path)
        other = {**case, "policy": policy}
        if isinstance(seen_by_python(other), list) and difference_of(core, other) is not None:
            case = other
    return case


def paths(value: Any, at: tuple[str, ...] = ()) -> Any:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*at, name)
            yield from paths(inner, (*at, name))


def without(value: Any, path: tuple[str, ...]) -> Any:
    if not isinstance(value, dict) or path[0] not in value:
        return value
    if len(path) == 1:
        return {name: inner for name, inner in value.items() if name != path[0]}
    return {**value, path[0]: without(value[path[0]], path[1:])}


def show(core: NodeCore, case: dict[str, Any]) -> None:
    small = smaller(core, case)
    core.begin(small)
    python = seen_by_python(small)
    node = core.seen()
    at = first_difference(node, python)
    print("difference:", json.dumps(small))
    if at is None or isinstance(node, dict) or isinstance(python, dict):
        print("  node:  ", json.dumps(node), "\n  python:", json.dumps(python))
        return
    a, b = node[at], python[at]
    if isinstance(a, dict) and isinstance(b, dict):
        a, b = ({name: seen.get(name) for name in a if not same(a.get(name), b.get(name))} for seen in (a, b))
    print("  node:  ", json.dumps(a), "\n  python:", json.dumps(b), flush=True)


def compare(seed: int, steps: int, most: int) -> int:
    """How many cases differ; stops after ``most``."""
    core = NodeCore()
    maker = CaseMaker(seed)
    done = differences = 0
    began = last = time.monotonic()
    try:
        while done < steps and differences < most:
            case = maker.case(STEPS_OF_CASE)
            # Node runs the case while Python does.
            core.begin(case)
            python = seen_by_python(case)
            done += len(case["steps"])
            if first_difference(core.seen(), python) is not None:
                differences += 1
                show(core, case)
            if time.monotonic() - last > 30:
                last = time.monotonic()
                print(f"{done} steps, {done / (last - began):.0f} a second, {differences} differences", flush=True)
    finally:
        core.close()
    rate = done / (time.monotonic() - began)
    print(f"seed {seed}: {done} steps, {rate:.0f} a second, {differences} differences", flush=True)
    return differences


def self_test(seed: int) -> int:
    """How many of the planted differences are not found."""
    missed = []
    for name in PLANTED:
        with plant(name):
            core = NodeCore()
            maker = CaseMaker(seed)
            found = 0
            for tried in range(1, 1_001):
                case = maker.case(STEPS_OF_CASE)
                if difference_of(core, case) is not None:
                    found = tried
                    break
            core.close()
        print(f"{name}: {f'found by case {found}' if found else 'NOT FOUND'}", flush=True)
        if not found:
            missed.append(name)
    print(f"{len(PLANTED) - len(missed)} of {len(PLANTED)} planted differences found")
    return len(missed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="decides every case (default: 1)")
    parser.add_argument("--steps", type=int, default=100_000, help="how many steps at least (default: 100000)")
    parser.add_argument("--most", type=int, default=5, help="stop after so many differences (default: 5)")
    parser.add_argument("--self-test", action="store_true", help="plant differences, and see that each is found")
    given = parser.parse_args()
    sys.exit(1 if (self_test(given.seed) if given.self_test else compare(given.seed, given.steps, given.most)) else 0)


if __name__ == "__main__":
    main()
