"""A recorder to be killed, as a program: it records three cameras as fast as it can and says what is durable.

`python -m tests.killed_recorder FOLDER START_90K` prints, after each flush, the end of what may not be lost any more.
"""

import sys
from pathlib import Path

from beket.app.wiring.recordings import open_recordings
from beket.kernel.clock import SystemClock
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import Fragment, StreamFormat
from beket.kernel.units import TICKS_PER_S
from beket.media.av.encoder import H264Encoder
from beket.media.fmp4.fragments import fragment, init_segment
from beket.media.rtp.access_unit import AccessUnit
from vms.config import RecordingsConfig
from vms.recordings.writer import Recorder

CAMERAS = tuple(CameraId(f"cam{n}") for n in range(3))
COMMUNITY, SITE = CommunityId("kills"), SiteId("school")
FPS, GOP_FRAMES, SEGMENT_S = 10, 20, 5
STEP_90K = TICKS_PER_S // FPS


def film() -> tuple[StreamFormat, list[tuple[bytes, bool]]]:
    """A group of pictures that decodes."""
    width, height = 320, 180
    encoder = H264Encoder(width, height, fps=FPS, bitrate_bps=300_000, gop_frames=GOP_FRAMES)
    frames = [encoder.encode(bytes((at * 8,)) * (width * height * 3 // 2)) for at in range(GOP_FRAMES)]
    video = encoder.format
    return StreamFormat("h264", width, height, init_segment(video)), frames


def fragment_at(at: int, frames: list[tuple[bytes, bool]], start_90k: int) -> Fragment:
    """The frame at `at` of a film that goes round and round from `start_90k` on."""
    data, is_key = frames[at % len(frames)]
    unit = AccessUnit(bytearray(data), at * STEP_90K, is_key)
    made = fragment(unit, sequence=at + 1, decode_time_90k=at * STEP_90K, duration_90k=STEP_90K)
    return Fragment(made, start_90k + at * STEP_90K, STEP_90K, is_key)


def config_in(folder: Path) -> RecordingsConfig:
    """Recordings beside their index."""
    return RecordingsConfig(folder=folder / "video", free_floor_gib=0)


def main() -> None:
    """Record until killed."""
    folder, start_90k = Path(sys.argv[1]), int(sys.argv[2])
    stream, frames = film()
    opened = open_recordings(config_in(folder), database=folder / "video.db", community=COMMUNITY, site=SITE)
    with opened as store:
        recorder = Recorder(store, clock=SystemClock(), instruments=Instruments(site=SITE), segment_s=SEGMENT_S)
        for camera in CAMERAS:
            recorder.start_run(camera, stream, start_90k=start_90k)
        at = 0
        while True:
            for _ in range(5):
                made = fragment_at(at, frames, start_90k)
                for camera in CAMERAS:
                    recorder.write(camera, [made])
                at += 1
            recorder.flush(30)
            print(start_90k + at * STEP_90K, flush=True)  # noqa: T201 - said to whoever kills us


if __name__ == "__main__":
    main()
