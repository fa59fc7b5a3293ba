"""Owns the look at a Windows computer: one run of collect.ps1 by the PowerShell that Windows brings. Blocking."""

import base64
from pathlib import Path

from agents.computers.programs import Programs
from agents.computers.report import ComputerReport
from agents.computers.windows_output import parse_windows

SCRIPT = Path(__file__).with_name("collect.ps1")
SCRIPT_S = 300.0
# Only this starter stands on the command line, which has no room for the script; ReadAllText takes it as UTF-8.
_STARTER = "& ([scriptblock]::Create([IO.File]::ReadAllText('{path}')))"


def look_at_windows(programs: Programs) -> ComputerReport:
    """What this computer is made of and what is installed.

    Raises:
        NotFound, Unreachable, TimedOut, ProtocolError: PowerShell gave no answer.
    """
    return parse_windows(programs.ask(command(SCRIPT), timeout_s=SCRIPT_S).data)


def command(script: Path) -> tuple[str, ...]:
    """The command line that runs `script` whatever the policy for script files is."""
    encoded = base64.b64encode(_STARTER.format(path=str(script).replace("'", "''")).encode("utf-16-le")).decode()
    return ("powershell.exe", "-NoLogo", "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded)
