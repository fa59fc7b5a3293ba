"""Owns the `[recordings]` section: where video is kept and how much of the disk it may take."""

from pathlib import Path
from typing import Annotated

import msgspec

from beket.kernel.units import GIB


class RecordingsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Записи на диску."""

    folder: Annotated[
        Path,
        msgspec.Meta(description="Тека на диску із записами; на диску є позначка beket-disk.json."),
    ] = Path("/var/lib/beket/video")
    more_folders: Annotated[
        tuple[Path, ...],
        msgspec.Meta(description="Теки на інших дисках, кожна на своєму; записи розходяться за вільним місцем."),
    ] = ()
    free_floor_gib: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            description="Скільки гібібайтів кожного диска лишати вільними; далі стирається перше за чергою.",
        ),
    ] = 20
    floor_hours: Annotated[
        int,
        msgspec.Meta(
            ge=0, le=24 * 365, description="Скільки останніх годин кожної камери не чіпати, поки є що стерти старше."
        ),
    ] = 24

    hold_budget_gib: Annotated[
        int,
        msgspec.Meta(ge=0, description="Скільки гібібайтів у центрі можуть займати записи, які заборонено стирати."),
    ] = 200

    @property
    def hold_budget_bytes(self) -> int:
        """`hold_budget_gib` in bytes."""
        return self.hold_budget_gib * GIB

    @property
    def folders(self) -> tuple[Path, ...]:
        """All folders, each on a disk of its own."""
        return (self.folder, *self.more_folders)

    @property
    def free_floor_bytes(self) -> int:
        """`free_floor_gib` in bytes."""
        return self.free_floor_gib * GIB
