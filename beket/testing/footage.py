"""Owns the films that tests run on: one rendered here always, and real ones from the folder BEKET_FOOTAGE_DIR names."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from beket.sim.scene import Scene
from beket.sim.street import COUNCIL_STREET, HEIGHT, WIDTH
from beket.sim.traffic import VillageTraffic
from beket.testing.process import output_of

RENDERED_FROM_MS = 1_795_600_800_000
FILM_SUFFIXES = {".mp4", ".mkv", ".mov", ".ts"}


@dataclass(frozen=True, slots=True)
class Footage:
    """A film with its first video stream's facts.

    Attributes:
        fps: frames a second, on average.
        frames: how many the file declares; counted, so exact.
    """

    file: Path
    codec: str
    width: int
    height: int
    fps: float
    frames: int


def real_films() -> list[Path]:
    """The films of BEKET_FOOTAGE_DIR in order of name; none when the variable is not set.

    Raises:
        AssertionError: the variable names a folder that has no film: a wrong path must not make tests pass.
    """
    folder = os.environ.get("BEKET_FOOTAGE_DIR")
    if not folder:
        return []
    films = sorted(film for film in Path(folder).iterdir() if film.suffix.lower() in FILM_SUFFIXES)
    if not films:
        raise AssertionError(f"BEKET_FOOTAGE_DIR={folder} holds no film ({', '.join(sorted(FILM_SUFFIXES))})")
    return films


def look_at(film: Path) -> Footage:
    """The facts of `film`, counted by ffprobe.

    Raises:
        ProgramFailed: ffprobe does not understand the file.
    """
    entries = "stream=codec_name,width,height,avg_frame_rate,nb_read_packets"
    answer = output_of(
        "ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets",
        "-show_entries", entries, "-of", "json", film,
    )  # fmt: skip
    stream = json.loads(answer)["streams"][0]
    ups, downs = stream["avg_frame_rate"].split("/")
    return Footage(
        film, stream["codec_name"], stream["width"], stream["height"],
        int(ups) / int(downs), int(stream["nb_read_packets"]),
    )  # fmt: skip


def rendered(folder: Path, *, duration_s: int = 6) -> Footage:
    """A film of `duration_s` made in `folder`: H.264, 640×360, 10 frames a second, a key frame every second.

    It begins at `RENDERED_FROM_MS`, and each frame carries its own moment (`beket.sim.clock_text.read_clock_strip`).
    """
    film = folder / "rendered.mp4"
    scene = Scene(COUNCIL_STREET, VillageTraffic(seed=3, cars_per_minute=12))
    pictures = b"".join(scene.picture(RENDERED_FROM_MS + 100 * i) for i in range(10 * duration_s))
    output_of(
        "ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", "10",
        "-i", "-", "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-g", "10",
        "-x264-params", "sliced-threads=0", film, stdin=pictures,
    )  # fmt: skip
    return look_at(film)
