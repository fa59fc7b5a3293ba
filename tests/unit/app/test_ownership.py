"""Beket refuses to start on somebody else's `agents` or `backup`."""

import os
import subprocess
import sys
from pathlib import Path

from beket.app import ownership


def test_rooms_of_this_checkout_are_ours() -> None:
    ownership.check_rooms_are_ours()
    assert ownership.foreign_owners() == {}


def test_every_command_that_runs_rooms_refuses_a_foreign_package(tmp_path: Path) -> None:
    foreign = tmp_path / "agents"
    foreign.mkdir()
    (foreign / "__init__.py").touch()
    home = Path(ownership.__file__).parents[2]
    asked = "from beket.app.ownership import check_rooms_are_ours as check\ncheck()"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{home}"}
    refused = subprocess.run(
        [sys.executable, "-c", asked], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert f"“agents” does not come from Beket but from {foreign}" in refused.stderr
