"""Owns the `[recordings]` section: where video is kept and how much of the disk it may take."""

from pathlib import Path
from typing import Annotated

import msgspec

from beket.kernel.units import GIB


class RecordingsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Recordings: the disk, its reserve, and how much a power cut may cost."""

    folder: Annotated[
        Path,
        msgspec.Meta(description="Тека на диску із записами; на диску є позначка beket-disk.json."),
    ] = Path("/var/lib/beket/video")
    free_floor_gib: Annotated[
        int,
        msgspec.Meta(ge=0, description="Скільки гібібайтів диска лишати вільними; далі стирається найстаріше."),
    ] = 20
    rpo_s: Annotated[
        int,
        msgspec.Meta(ge=1, le=60, description="Скільки останніх секунд запису може забрати раптове вимкнення."),
    ] = 2
    segment_s: Annotated[
        int,
        msgspec.Meta(ge=5, le=120, description="Довжина одного файла запису в секундах."),
    ] = 20

    @property
    def free_floor_bytes(self) -> int:
        """`free_floor_gib` in bytes."""
        return self.free_floor_gib * GIB
