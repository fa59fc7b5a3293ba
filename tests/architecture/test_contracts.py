import subprocess
import sys
from pathlib import Path

from beket.testing.source_tree import PROJECT


def test_every_import_keeps_the_contracts() -> None:
    """In a process of its own: the linter sets up logging anew and would silence the loggers of other tests."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=PROJECT, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
