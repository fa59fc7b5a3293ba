"""`beket backup` loads where the packages of a site are not installed."""

import subprocess
import sys

from beket.testing.source_tree import PROJECT

PROGRAM = """
import sys
sys.modules["paramiko"] = None  # as if it were not installed
import beket.app.commands.backup, beket.app.wiring.centre
"""


def test_a_centre_needs_no_ssh_library() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=PROJECT, check=True, timeout=110)
