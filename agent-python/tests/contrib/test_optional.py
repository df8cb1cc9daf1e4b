from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fuseboard

SOURCE = Path(fuseboard.__file__).parents[1]


def test_the_package_itself_needs_nothing_but_the_standard_library() -> None:
    program = f"""
import sys
sys.path.insert(0, {str(SOURCE)!r})
import fuseboard, fuseboard.testing, fuseboard.store, fuseboard.contrib.logging, fuseboard.contrib.states
outside = {{name.partition('.')[0] for name in sys.modules}} - set(sys.stdlib_module_names) - {{'fuseboard', '__main__'}}
print(sorted(outside))
"""
    # -S: without site-packages there is nothing else to import.
    ended = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert (ended.stdout.strip(), ended.stderr) == ("[]", "")
