from collections.abc import Sequence

from agents.cameras.tape import EndRun, Player, StartRun, Tape, Write
from beket.kernel.errors import NoSpace
from beket.kernel.ids import CameraId
from beket.kernel.ports import Fragment, GapReason, StreamFormat

GATE, YARD = CameraId("gate"), CameraId("yard")
STREAM = StreamFormat("h264", 1, 1, b"init")


def a_fragment(size: int = 1) -> Fragment:
    return Fragment(bytes(size), 0, 1, is_key=True)


class DiskThatFails:
    """A sink whose writes for some cameras fail."""

    def __init__(self, *full: CameraId) -> None:
        self.full = set(full)
        self.done: list[str] = []

    def start_run(self, camera: CameraId, stream: StreamFormat, *, start_90k: int) -> None:
        self.done.append(f"start {camera}")

    def write(self, camera: CameraId, fragments: Sequence[Fragment]) -> None:
        if camera in self.full:
            raise NoSpace("full")
        self.done.append(f"write {camera} {len(fragments)}")

    def end_run(self, camera: CameraId, *, reason: GapReason) -> None:
        self.done.append(f"end {camera} {reason}")

    def sync(self) -> None:
        self.done.append("sync")


def test_frames_of_one_camera_become_one_write_while_its_run_lasts() -> None:
    tape = Tape()
    tape.start_run(GATE, STREAM, start_90k=5)
    for camera in (GATE, YARD, GATE):
        tape.write(camera, a_fragment())
    tape.end_run(GATE, reason=GapReason.LINK)
    tape.write(GATE, a_fragment())
    commands = tape.take()
    assert commands == [
        StartRun(GATE, STREAM, 5),
        Write(GATE, [a_fragment()] * 2),
        Write(YARD, [a_fragment()]),
        EndRun(GATE, GapReason.LINK),
        Write(GATE, [a_fragment()]),
    ]
    assert tape.take() == []


def test_tape_is_full_until_it_is_taken() -> None:
    tape = Tape(max_bytes=10)
    tape.write(GATE, a_fragment(10))
    assert tape.is_full
    tape.take()
    assert not tape.is_full


def test_camera_whose_disk_failed_is_left_alone_until_its_next_run_and_the_others_go_on() -> None:
    disk = DiskThatFails(GATE)
    player = Player(disk)
    gate, yard = Write(GATE, [a_fragment()]), Write(YARD, [a_fragment()])
    outcomes = player.play([StartRun(GATE, STREAM, 0), gate, gate, yard], sync=True)
    assert isinstance(outcomes[GATE], NoSpace)
    assert outcomes[YARD] is None
    assert player.play([gate, EndRun(GATE, GapReason.LINK)], sync=False) == {}
    disk.full.clear()
    assert player.play([StartRun(GATE, STREAM, 9), gate], sync=False) == {GATE: None}
    assert disk.done == ["start gate", "end gate disk", "write yard 1", "sync", "start gate", "write gate 1"]
