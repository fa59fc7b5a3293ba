"""Owns the question whether recordings play."""

import subprocess
from pathlib import Path

from beket.media.fmp4.reader import read_segment

AT_ONCE = 50


def play(*files: Path) -> int:
    """Frames in the files; each file must play alone and each frame decode, without one complaint."""
    return sum(_play(files[at : at + AT_ONCE]) for at in range(0, len(files), AT_ONCE))


def _play(files: tuple[Path, ...]) -> int:
    argv: list[str | Path] = ["ffmpeg", "-v", "error", "-xerror"]
    for file in files:
        argv += ["-threads", "1", "-i", file]
    for number in range(len(files)):
        argv += ["-map", str(number)]
    # Frames of a burst stand one tick apart; FFmpeg by itself leaves out what is closer than its frame rate.
    argv += ["-fps_mode", "passthrough", "-f", "framecrc", "-"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    frames = sum(not line.startswith("#") for line in done.stdout.splitlines())
    assert frames == sum(map(_frames_in, files))
    return frames


def _frames_in(file: Path) -> int:
    with file.open("rb") as segment:
        return len(read_segment(segment).fragments)
