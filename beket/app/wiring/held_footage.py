"""Puts held footage among what is backed up: of the recording folders of a plan, the segments that a hold covers and
nothing else, as footage that is not held must not outlive its term in a copy.

What is held is read from the files beside the recordings (`vms.recordings.hold_files`), so that the database of a
recorder at work is left alone. Blocking.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from beket.kernel.errors import BeketError, InvalidArgument
from beket.kernel.units import TICKS_PER_S
from vms.recordings import hold_files
from vms.recordings.disk import PosixDisk
from vms.recordings.hold_files import KeptSpan
from vms.recordings.layout import SegmentKey, parse_key

HOUR_90K = 3600 * TICKS_PER_S
# A segment is cut every 20 s; one that began longer before the held time than this has ended before it.
SEGMENT_MAX_90K = 300 * TICKS_PER_S
# All of them are words of one command, of which the kernel takes 2 MiB.
PATHS_MAX_CHARS = 1_200_000


@dataclass(frozen=True, slots=True)
class HeldFiles:
    """What is held in the folders of a plan.

    Attributes:
        lacking: folders whose holds cannot be read, and segments for which there is no room in one copy.
    """

    files: tuple[Path, ...] = ()
    lacking: tuple[Path, ...] = ()


def held_files(folders: Sequence[Path], *, now_s: int) -> HeldFiles:
    """The segments under `folders` that a hold covers at `now_s` (seconds since 1970), in order of time."""
    found: dict[SegmentKey, Path] = {}
    lacking: list[Path] = []
    for folder in folders:
        disk = PosixDisk(folder)
        kept = hold_files.newest([disk])
        if kept is None and any(name.endswith(".json") for name in _names(disk, hold_files.FOLDER)):
            lacking.append(folder / hold_files.FOLDER)
        for span in kept.held if kept else ():
            if span.until_s is None or span.until_s > now_s:
                found |= {key: folder / key.file_name for key in _covered(disk, span)}
    files = [found[key] for key in sorted(found, key=lambda key: (key.start_90k, key.camera, key.sequence))]
    room = len(list(_that_fit(files)))
    return HeldFiles(tuple(files[:room]), (*lacking, *files[room:]))


def _covered(disk: PosixDisk, span: KeptSpan) -> Iterator[SegmentKey]:
    """Those that begin within the span, and the one before them that reaches into it."""
    keys = sorted(set(_keys_about(disk, span)), key=lambda key: (key.start_90k, key.sequence))
    within = [key for key in keys if span.start_90k < key.start_90k < span.end_90k]
    before = [key for key in keys if span.start_90k - SEGMENT_MAX_90K < key.start_90k <= span.start_90k]
    return iter([*before[-1:], *within])


def _keys_about(disk: PosixDisk, span: KeptSpan) -> Iterator[SegmentKey]:
    hour_90k = max(0, span.start_90k - SEGMENT_MAX_90K) // HOUR_90K * HOUR_90K
    while hour_90k < span.end_90k:
        try:
            folder = parse_key(span.camera, f"{hour_90k}-0").folder
        except InvalidArgument:
            return  # no such time
        for name in _names(disk, folder):
            if name.endswith(".mp4"):
                try:
                    yield parse_key(span.camera, name.removesuffix(".mp4"))
                except InvalidArgument:
                    continue  # somebody else's
        hour_90k += HOUR_90K


def _names(disk: PosixDisk, folder: str) -> list[str]:
    try:
        return disk.names(folder)
    except BeketError:
        return []


def _that_fit(files: Iterable[Path]) -> Iterator[Path]:
    chars = 0
    for file in files:
        chars += len(str(file)) + 1
        if chars > PATHS_MAX_CHARS:
            return
        yield file
