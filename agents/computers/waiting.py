"""Owns the report that waits for the centre: one file, the newest only, since each report says everything. Blocking."""

from pathlib import Path

from agents.computers.report import ComputerReport
from beket.kernel import wire
from beket.kernel.durable_file import put_file
from beket.kernel.errors import NoSpace
from beket.kernel.text import say

FILE = "report.json"


class WaitingReport:
    """The report of one computer that the centre does not have yet."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def put(self, report: ComputerReport) -> None:
        """Let `report` wait in place of an older one.

        Raises:
            NoSpace: the disk does not take it.
        """
        try:
            put_file(self._path, wire.encode(report))
        except OSError as error:
            raise NoSpace(
                say("Звіт не записується на диск.", "The report cannot be written to disk."), subject=str(self._path)
            ) from error

    def take(self) -> bytes | None:
        """What waits; None when nothing does."""
        try:
            return self._path.read_bytes()
        except OSError:
            return None

    def forget(self) -> None:
        """The centre has it."""
        self._path.unlink(missing_ok=True)
