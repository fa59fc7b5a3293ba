"""What each command may load: memory of a fresh interpreter, and libraries that must stay outside.

Note: beket/design/0004-names-and-packaging.md.
"""

import subprocess
import sys
from dataclasses import dataclass

import pytest

from beket.testing.source_tree import PROJECT, Module

REPORT = """
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
with open("/proc/self/status") as status:
    fields = dict(line.split(":", 1) for line in status)
print(fields["VmRSS"].split()[0], *(name for name in {unwanted!r} if name in sys.modules))
"""
HEAVY = ("av", "cv2", "numpy", "fastapi", "starlette", "uvicorn", "paramiko", "influxdb_client", "argon2", "openpyxl")


@dataclass(frozen=True)
class Budget:
    """What one process imports (packages and modules, without `but`), and what that may cost."""

    command: str
    imports: tuple[str, ...]
    but: tuple[str, ...]
    max_mb: float
    unwanted: tuple[str, ...]


BUDGETS = (
    Budget(
        command="beket --help",
        imports=("beket.app.cli", "beket.kernel.errors"),
        but=(),
        max_mb=25,
        unwanted=(*HEAVY, "asyncio", "cryptography", "sqlalchemy", "alembic", "pysnmp", "jinja2", "psutil"),
    ),
    Budget(
        command="beket pc",
        imports=(
            "beket.kernel",
            "beket.access.agent_key",
            "beket.app.commands.pc",
            "agents.computers",
            "agents.uplink.connection",
        ),
        but=("beket.kernel.database",),
        max_mb=42,
        unwanted=(*HEAVY, "sqlalchemy", "alembic", "pysnmp", "jinja2", "uvloop", "yaml", "prometheus_client"),
    ),
    Budget(
        command="beket agent (polling)",
        imports=(
            "beket.kernel",
            "beket.app.wiring.polling",
            "agents.network",
            "agents.spool",
            "agents.uplink",
            "agents.inventory",
        ),
        but=("beket.kernel.database", "agents.uplink.live_socket"),
        max_mb=70,
        unwanted=(*HEAVY, "websockets"),
    ),
    Budget(
        command="beket agent (capture)",
        imports=("beket.app.wiring.capture", "agents.cameras", "agents.uplink"),
        but=(),
        max_mb=90,
        unwanted=HEAVY,
    ),
)


def _fresh_interpreter(names: list[str], unwanted: tuple[str, ...]) -> tuple[float, list[str]]:
    """Resident megabytes after importing `names`, and which of `unwanted` were loaded."""
    program = REPORT.format(names=names, unwanted=unwanted)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, check=True, capture_output=True, text=True, timeout=60
    )
    resident_kb, *loaded = done.stdout.split()
    return int(resident_kb) / 1024, loaded


@pytest.mark.parametrize("budget", BUDGETS, ids=lambda budget: budget.command)
def test_command_loads_no_more_than_its_budget(budget: Budget, room_modules: list[Module]) -> None:
    names = [
        module.name
        for module in room_modules
        if any(module.name == wanted or module.name.startswith(f"{wanted}.") for wanted in budget.imports)
        and module.name not in budget.but
    ]
    assert len(names) >= len(budget.imports)
    bare_mb, _ = _fresh_interpreter([], ())
    used_mb, loaded = _fresh_interpreter(names, budget.unwanted)
    assert not loaded
    assert used_mb <= budget.max_mb, f"{budget.command}: {used_mb:.1f} MB, a bare interpreter takes {bare_mb:.1f} MB"
