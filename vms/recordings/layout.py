"""Owns the names of files on a recording disk: `<camera>/<YYYYMMDD>/<HH>/<start_90k>-<sequence>.mp4`, UTC.

A name holds the whole key of a segment, so the index can be rebuilt from the disk. Pure.
"""

import datetime
import re
from dataclasses import dataclass

from beket.kernel.errors import InvalidArgument
from beket.kernel.ids import CameraId, is_slug
from beket.kernel.units import TICKS_PER_S

# The years 1970-9999 of `datetime`; what a hostile name may ask for ends here.
START_LIMIT_90K = 253_402_300_800 * TICKS_PER_S
SEQUENCE_LIMIT = 2**63

_BARE = re.compile(r"(?P<start>0|[1-9]\d{0,18})-(?P<sequence>0|[1-9]\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class SegmentKey:
    """What tells one segment of the community from every other."""

    camera: CameraId
    start_90k: int
    sequence: int

    @property
    def folder(self) -> str:
        """Folder of the hour in which the segment starts.

        Example:
            >>> SegmentKey(CameraId("gate"), 153_000_000_000_000, 7).folder
            'gate/20231114/22'
        """
        day_hour = _utc(self.start_90k).strftime("%Y%m%d/%H")
        return f"{self.camera}/{day_hour}"

    @property
    def file_name(self) -> str:
        """Name of the segment's file, relative to the disk's root."""
        return f"{self.folder}/{self.start_90k}-{self.sequence}.mp4"


def parse_file_name(name: str) -> SegmentKey:
    """The key that `name` spells; the inverse of `SegmentKey.file_name`.

    Raises:
        InvalidArgument: not a segment's name, or one in the wrong hour's folder.
    """
    camera, _, rest = name.partition("/")
    bare = rest.rpartition("/")[2].removesuffix(".mp4")
    key = parse_key(camera, bare)
    if key.file_name != name:
        raise InvalidArgument(f"not the name of a segment: {name[:160]!r}")
    return key


def parse_key(camera: str, name: str) -> SegmentKey:
    """The key that a camera and a bare `<start_90k>-<sequence>` spell, as in a URL.

    Raises:
        InvalidArgument: they spell none.
    """
    match = _BARE.fullmatch(name)
    if match is not None and is_slug(camera):
        key = SegmentKey(CameraId(camera), int(match["start"]), int(match["sequence"]))
        if key.start_90k < START_LIMIT_90K and key.sequence < SEQUENCE_LIMIT:
            return key
    raise InvalidArgument(f"not a segment: {camera[:80]!r} {name[:80]!r}")


def _utc(start_90k: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(start_90k // TICKS_PER_S, datetime.UTC)
