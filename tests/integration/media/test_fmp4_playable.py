"""What we write must play: every file here goes through ffprobe and a full decode, which must say nothing.

VLC and Chromium, which people open them with, show each frame too.
"""

import functools
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from playwright.sync_api import sync_playwright

from beket.kernel.units import TICKS_PER_S
from beket.media.av.files import read_file_units
from beket.media.fmp4.boxes import Identity, identity_box
from beket.media.fmp4.fragments import FRAGMENT_HEAD, fragment, init_segment
from beket.media.fmp4.join import join
from beket.media.fmp4.reader import Segment, read_segment
from beket.media.rtp.access_unit import AccessUnit, VideoFormat
from beket.media.rtp.depacketizer import depacketizer_for
from beket.media.rtp.packetize import OutgoingStream, packetize
from beket.media.timing import StreamClock
from beket.testing.footage import Footage, look_at
from beket.testing.process import ProgramFailed, output_of
from beket.testing.programs import find

pytestmark = pytest.mark.needs("ffmpeg", "ffprobe", "vlc", "chromium")

START_NS = 1_795_600_800 * 1_000_000_000


def through_rtp(units: list[tuple[AccessUnit, int]], video: VideoFormat) -> list[tuple[AccessUnit, int]]:
    """The units as a camera sends them and our depacketizer puts them together."""
    depacketizer, stream = depacketizer_for(video.codec, parameter_sets=()), OutgoingStream(video.codec, 7)
    received: list[tuple[AccessUnit, int]] = []
    sequence = 65_500
    for unit, pts_90k in units:
        sets = video.parameter_sets if unit.is_key else ()
        for packet in packetize(stream, unit.data, timestamp=pts_90k, first_sequence=sequence, parameter_sets=sets):
            sequence += 1
            whole = depacketizer.push(bytearray(packet), 0, len(packet))
            if whole:
                received.append((whole, pts_90k))
    assert depacketizer.lost_packets == depacketizer.withheld_units == 0
    return received


def segments_of(units: list[tuple[AccessUnit, int]], folder: Path, *, keys_each: int) -> list[Path]:
    """Segment files of `keys_each` groups of pictures, placed in time by a `StreamClock`."""
    clock, files, keys = StreamClock(), list[Path](), 0
    video = units[0][0].format
    assert video is not None
    origin_90k = 0
    for index, (unit, pts_90k) in enumerate(units):
        mono_ns = pts_90k * 100_000 // 9
        stamp = clock.stamp(unit.timestamp, arrival_mono_ns=mono_ns, arrival_wall_ns=START_NS + mono_ns)
        origin_90k = origin_90k or stamp.start_90k
        after_90k = units[index + 1][1] if index + 1 < len(units) else 2 * pts_90k - units[index - 1][1]
        if unit.is_key and keys % keys_each == 0:
            files.append(folder / f"{stamp.start_90k}-{len(files)}.mp4")
            identity = Identity(
                community="c", site="s", camera="k", sequence=len(files), start_90k=stamp.start_90k, boot_id="b",
                clock_is_set=True, software="0",
            )  # fmt: skip
            files[-1].write_bytes(init_segment(video) + identity_box(identity))
        keys += unit.is_key
        with files[-1].open("ab") as file:
            file.write(
                fragment(
                    unit,
                    sequence=index + 1,
                    decode_time_90k=stamp.start_90k - origin_90k,
                    duration_90k=after_90k - pts_90k,
                )
            )
    return files


def check_plays(file: Path, *, frames: int, duration_s: float) -> None:
    """Whole and without a complaint: both programs end with 0 over a broken film, and say so on standard error."""
    entries = ("-count_frames", "-show_entries", "format=duration,start_time:stream=nb_read_frames", "-of", "json")
    facts = json.loads(output_of("ffprobe", "-v", "error", *entries, file, may_complain=False))
    assert int(facts["streams"][0]["nb_read_frames"]) == frames
    # FFmpeg calls the end of the last fragment the duration; a segment inside a run does not begin at zero.
    assert abs(float(facts["format"]["duration"]) - float(facts["format"]["start_time"]) - duration_s) < 0.002
    output_of("ffmpeg", "-v", "error", "-xerror", "-i", file, "-f", "null", "-", may_complain=False)


def frames_in_vlc(file: Path) -> int:
    """How many different frames VLC draws (some it draws twice); it refuses root, so it works for nobody."""
    with tempfile.TemporaryDirectory(prefix="beket-vlc-") as name:
        folder = Path(name)
        drawn, facts = folder / "drawn.yuv", look_at(file)
        shutil.copy(file, folder / "film.mp4")
        for path in (folder, folder / "film.mp4"):
            path.chmod(0o777)
        nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.geteuid() == 0 else ()
        output_of(
            *nobody, "env", f"HOME={name}", "vlc", "-I", "dummy", "--no-audio", "--no-osd", "--no-spu",
            "--no-drop-late-frames", "--no-skip-frames", "--vout", "yuv", "--yuv-file", drawn,
            folder / "film.mp4", "vlc://quit", within_s=120,
        )  # fmt: skip
        frame_bytes = facts.width * facts.height * 3 // 2
        with drawn.open("rb") as pictures:
            pictures.readline()  # the film's head, then each picture after a line of its own
            return len({pictures.read(frame_bytes) for _ in iter(pictures.readline, b"")})


def frames_in_chromium(file: Path) -> int:
    """How many frames Chromium draws up to the film's end."""
    page_file = file.with_suffix(".html")
    page_file.write_text(f'<video muted src="{file.name}"></video>')
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(find("chromium")), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(page_file.as_uri())
        drawn: int = page.evaluate(
            """() => new Promise((done, fail) => {
                const video = document.querySelector('video');
                video.onended = () => done(video.getVideoPlaybackQuality().totalVideoFrames);
                video.onerror = () => fail(new Error(video.error.message));
                video.play();
            })"""
        )
        browser.close()
    return drawn


def index_of(path: Path) -> Segment:
    with path.open("rb") as file:
        return read_segment(file)


def openers(files: list[Path]) -> list[Callable[[], BinaryIO]]:
    return [functools.partial(open, file, "rb") for file in files]


def test_film_through_rtp_time_and_segments_plays_and_joins_without_a_frame_missing(
    footage: Footage, tmp_path: Path
) -> None:
    units = list(read_file_units(footage.file))
    video = units[0][0].format
    assert video is not None
    received = through_rtp(units, video)
    assert [unit.data for unit, _ in received] == [unit.data for unit, _ in units]
    files = segments_of(received, tmp_path, keys_each=2)
    for file in files:
        segment = index_of(file)
        assert not segment.is_torn
        check_plays(file, frames=len(segment.fragments), duration_s=segment.duration_90k / TICKS_PER_S)
    frames = len(index_of(files[-1]).fragments)
    assert frames_in_chromium(files[-1]) == frames
    # Its first is not always drawn when time begins in mid-run, and on a busy machine another one or two.
    assert frames - 3 <= frames_in_vlc(files[-1]) <= frames
    (part,) = join(openers(files), from_90k=0, until_90k=1 << 62)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(b"".join(part.chunks()))
    assert index_of(copy).fragments[0].decode_time_90k == 0
    check_plays(copy, frames=footage.frames, duration_s=part.duration_90k / TICKS_PER_S)
    assert abs(part.duration_90k / TICKS_PER_S - footage.frames / footage.fps) < 0.1


def test_h265_plays(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    output_of(
        "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2", "-c:v", "libx265",
        "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=0:keyint=25", film,
    )  # fmt: skip
    units = list(read_file_units(film))
    video = units[0][0].format
    assert video is not None
    assert video.codec == "h265"
    received = through_rtp(units, video)
    for file in segments_of(received, tmp_path, keys_each=1):
        check_plays(file, frames=25, duration_s=1)
        assert 22 <= frames_in_vlc(file) <= 25


def test_a_segment_cut_by_a_power_failure_plays_up_to_its_last_whole_frame(footage: Footage, tmp_path: Path) -> None:
    units = list(read_file_units(footage.file))
    whole = segments_of(units, tmp_path, keys_each=1000)[0]
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    segment = index_of(torn)
    assert segment.is_torn
    mended = tmp_path / "mended.mp4"
    mended.write_bytes(torn.read_bytes()[: segment.whole_bytes])
    check_plays(mended, frames=len(segment.fragments), duration_s=segment.duration_90k / TICKS_PER_S)


@pytest.mark.parametrize("at", ["in the picture", "in its length"])
def test_a_broken_film_is_complained_of(footage: Footage, tmp_path: Path, at: str) -> None:
    """Else the checks above would prove nothing."""
    film = segments_of(list(read_file_units(footage.file)), tmp_path, keys_each=2)[0]
    data = bytearray(film.read_bytes())
    entry = index_of(film).fragments[2]
    begin = entry.offset + FRAGMENT_HEAD.size
    if at == "in its length":
        data[begin : begin + 4] = b"\x7f\xff\xff\xff"
    else:
        data[begin + 30 : entry.offset + entry.size_bytes] = bytes(entry.offset + entry.size_bytes - begin - 30)
    film.write_bytes(data)
    with pytest.raises(ProgramFailed, match="complains"):
        output_of("ffprobe", "-v", "error", "-count_frames", "-show_streams", film, may_complain=False)
    with pytest.raises(ProgramFailed, match="complains"):
        output_of("ffmpeg", "-v", "error", "-i", film, "-f", "null", "-", may_complain=False)
