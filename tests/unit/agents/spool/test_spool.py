import errno
import random
import tempfile
import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agents.spool import metrics, segments
from agents.spool.messages import Series, series_of
from agents.spool.spool import Spool
from beket.kernel.errors import DataLoss
from beket.kernel.ids import SiteId
from beket.kernel.metrics import Instruments, Point

SITE = SiteId("school")


def points(n: int, value: float = 1.0) -> list[Point]:
    return [Point("device_up_ratio", (("site", "school"), ("device", f"d{i}")), 1_000_000_000, value) for i in range(n)]


def spool_in(
    folder: Path, *, cap_bytes: int = 10**9, segment_bytes: int = 4096, told: Instruments | None = None
) -> Spool:
    return Spool(
        folder,
        site=SITE,
        cap_bytes=cap_bytes,
        instruments=told or Instruments(unit="polling"),
        segment_bytes=segment_bytes,
    )


def values_of(spool: Spool) -> list[float]:
    found = []
    for batch in spool.take(10**9):
        for series in msgspec.json.decode(batch.series, type=list[Series]):
            found += [value for _, value in series.samples]
    return found


def dropped(told: Instruments) -> float:
    return sum(point.value for point in told.read(0) if point.name == metrics.SPOOL_DROPPED.name)


def test_points_come_back_in_order_after_a_restart(tmp_path: Path) -> None:
    first = spool_in(tmp_path)
    for i in range(100):
        first.put(points(3, i))
    again = spool_in(tmp_path)
    assert again.id == first.id
    assert values_of(again) == [i for i in range(100) for _ in range(3)]
    assert again.pending() == 300


def test_numbers_never_repeat_even_when_everything_was_forgotten_before_the_restart(tmp_path: Path) -> None:
    highest = -1
    for _ in range(4):
        spool = spool_in(tmp_path)
        spool.put(points(1))
        (batch,) = spool.take(10**9)
        assert batch.sequence > highest
        highest = batch.sequence
        spool.forget(highest)
        assert spool.take(10**9) == []
        assert len(segments.list_segments(tmp_path)) == 1


def test_nothing_is_forgotten_before_it_is_acknowledged(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    for i in range(10):
        spool.put(points(1, i))
    batches = spool.take(10**9)
    spool.forget(batches[3].sequence)
    assert values_of(spool) == [4, 5, 6, 7, 8, 9]


def test_a_take_is_bounded_but_never_empty_while_something_waits(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    for _ in range(3):
        spool.put(points(5))
    assert len(spool.take(1)) == 1
    assert len(spool.take(10**9)) == 3


def test_the_oldest_points_go_first_when_the_cap_is_reached_and_are_counted(tmp_path: Path) -> None:
    told = Instruments(unit="polling")
    spool = spool_in(tmp_path, cap_bytes=20_000, segment_bytes=2_000, told=told)
    rng = random.Random(1)
    for _ in range(1000):
        spool.put([Point("device_uptime_seconds", (("device", "d"),), 10**9, rng.random())])
    kept = spool.pending()
    assert 0 < kept < 1000
    assert dropped(told) == 1000 - kept
    assert sum(path.stat().st_size for path in segments.list_segments(tmp_path)) <= 20_000
    assert spool.take(10**9)[-1].sequence == 1000


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_torn_or_damaged_tail_costs_only_what_was_not_whole(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = spool_in(folder, segment_bytes=10**6)
    for i in range(5):
        spool.put(points(1, i))
    (path,) = segments.list_segments(folder)
    whole = path.read_bytes()
    ends = [record.offset_bytes + record.size_bytes for record in segments.scan(path).records]
    cut = data.draw(st.integers(0, len(whole)))
    garbage = data.draw(st.binary(max_size=50))
    path.write_bytes(whole[:cut] + garbage)

    again = spool_in(folder)
    again.put(points(1, 99))

    assert values_of(again) == [*range(sum(end <= cut for end in ends)), 99]


def test_a_spoiled_batch_is_dropped_counted_and_holds_nothing_up(tmp_path: Path) -> None:
    told = Instruments(unit="polling")
    spool = spool_in(tmp_path, told=told)
    spool.put(points(2, 1))
    spool.put(points(2, 2))
    (path,) = segments.list_segments(tmp_path)
    record = segments.scan(path).records[0]
    with path.open("r+b") as file:
        file.seek(record.offset_bytes)
        file.write(b"\xff" * 8)
    assert values_of(spool) == [2, 2]
    assert dropped(told) == 2


def test_a_disk_that_fails_is_told_and_its_file_is_not_written_again(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    spool.put(points(1, 1))
    (path,) = segments.list_segments(tmp_path)
    kept = path.with_suffix(".kept")
    path.rename(kept)
    with pytest.raises(DataLoss):
        spool.put(points(1, 2))
    kept.rename(path)
    size = path.stat().st_size
    spool.put(points(1, 3))
    assert path.stat().st_size == size
    assert values_of(spool) == [1, 3]


def test_a_flood_is_split_into_batches_that_fit_a_message(tmp_path: Path) -> None:
    spool = spool_in(tmp_path, segment_bytes=10**7)
    spool.put(points(25_000))
    assert [len(batch.series) < 2_000_000 for batch in spool.take(10**9)] == [True] * 3


@given(st.binary(max_size=200))
def test_any_bytes_in_a_segment_are_read_without_an_error(data: bytes) -> None:
    segments._whole_records(data, 1)
    records, _ = segments._whole_records(segments.frame(1, 1, b"x") + data + segments.frame(2, 1, b"y"), 1)
    assert [record.sequence for record in records] == [1, 2]


FRAMES = 6
# Of a frame: magic, length, CRC, sequence, number of points, payload.
FIELDS = {
    "magic": (0, 4),
    "length": (4, 8),
    "crc": (8, 12),
    "sequence": (12, 20),
    "points": (20, 24),
    "payload": (24, 0),
}


def written(folder: Path) -> tuple[bytearray, list[tuple[int, int]]]:
    """A segment as a spool writes it, with 1, 2, 3… points of value 0, 1, 2…; its bytes and where each frame lies."""
    content, frames = bytearray(), []
    for i in range(FRAMES):
        payload = zlib.compress(msgspec.json.encode(series_of(points(i + 1, i))), 1)
        frames.append((len(content), len(content) + segments.FRAME_BYTES + len(payload)))
        content += segments.frame(i + 1, i + 1, payload)
    segments.segment_path(folder, 1).touch()
    return content, frames


def flip(data: bytearray, bit: int) -> None:
    data[bit // 8] ^= 1 << bit % 8


def reopened(folder: Path, data: bytearray) -> tuple[list[float], float]:
    """What is delivered of a segment that holds `data` now, and what is counted; once, however often it is opened."""
    segments.segment_path(folder, 1).write_bytes(data)
    told, again = Instruments(unit="polling"), Instruments(unit="polling")
    delivered = values_of(spool_in(folder, told=told))
    assert values_of(spool_in(folder, told=again)) == delivered
    assert dropped(again) == 0
    return delivered, dropped(told)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_what_a_disk_spoils_in_the_middle_is_counted_to_the_point_and_the_rest_is_delivered(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    content, frames = written(folder)
    damaged = data.draw(st.sets(st.integers(0, FRAMES - 1)))
    for n in damaged:
        # What cannot be known is left out here: note 0016, "Damage".
        fields = FIELDS.keys() - {"points"} - ({"magic"} if n - 1 in damaged else set())
        fields -= {"length"} if n == FRAMES - 1 else set()
        start, end = FIELDS[data.draw(st.sampled_from(sorted(fields)))]
        frame_start, frame_end = frames[n]
        bits = st.integers((frame_start + start) * 8, (frame_start + end if end else frame_end) * 8 - 1)
        for bit in data.draw(st.sets(bits, min_size=1, max_size=3)):
            flip(content, bit)
    delivered, counted = reopened(folder, content)
    assert delivered == [n for n in range(FRAMES) if n not in damaged for _ in range(n + 1)]
    assert len(delivered) + counted == sum(range(1, FRAMES + 1))


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_whatever_is_spoiled_every_whole_frame_is_delivered_and_each_gap_before_one_is_counted(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    content, frames = written(folder)
    before = bytes(content)
    for bit in data.draw(st.sets(st.integers(0, len(content) * 8 - 1), max_size=12)):
        flip(content, bit)
    start = data.draw(st.integers(0, len(content)))
    stretch = data.draw(st.one_of(st.just(b""), st.binary(max_size=300), st.integers(1, 500).map(bytes)))
    content[start : start + len(stretch)] = stretch[: len(content) - start]
    del content[data.draw(st.integers(len(content) // 2, len(content))) :]
    whole = [n for n, (begin, end) in enumerate(frames) if content[begin:end] == before[begin:end]]
    delivered, counted = reopened(folder, content)
    assert delivered == [n for n in whole for _ in range(n + 1)]
    lost = [n for n in range(FRAMES) if n not in whole]
    assert counted <= len(lost) * segments.POINTS_MAX
    assert counted >= sum(n < max(whole, default=0) for n in lost)


def test_a_folder_that_cannot_be_mended_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, frames = written(tmp_path)
    flip(content, frames[2][1] * 8 - 1)
    path = segments.segment_path(tmp_path, 1)
    path.write_bytes(content)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(segments, "put_file", full)
    told = Instruments(unit="polling")
    assert values_of(spool_in(tmp_path, told=told)) == [n for n in range(FRAMES) if n != 2 for _ in range(n + 1)]
    assert dropped(told) == 3
    assert path.read_bytes() == content


def test_looking_for_whole_frames_is_bounded() -> None:
    one = segments.frame(1, 1, b"x")
    header = segments.MAGIC + (2**20).to_bytes(4, "little") + b"\0" * 4
    hostile = header * (2**21 // len(header))  # each would have a megabyte read
    records, _ = segments._whole_records(one + hostile + segments.frame(2, 1, b"y"), 1)
    assert [record.sequence for record in records] == [1]


class SpoolModel(RuleBasedStateMachine):
    """Put, take, forget and restart in any order: nothing unacknowledged is lost, nothing comes out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.spool = spool_in(Path(self.folder.name), segment_bytes=300)
        self.put: list[int] = []
        self.forgotten = 0

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(n=st.integers(1, 4))
    def puts(self, n: int) -> None:
        for _ in range(n):
            self.put.append(len(self.put))
            self.spool.put(points(1, self.put[-1]))

    @rule(share=st.floats(0, 1))
    def forgets(self, share: float) -> None:
        batches = self.spool.take(10**9)
        if batches:
            chosen = round(share * (len(batches) - 1))
            through = msgspec.json.decode(batches[chosen].series, type=list[Series])[0].samples[0][1]
            self.spool.forget(batches[chosen].sequence)
            self.forgotten = max(self.forgotten, int(through) + 1)

    @rule()
    def restarts(self) -> None:
        self.spool = spool_in(Path(self.folder.name), segment_bytes=300)

    @invariant()
    def what_waits_is_a_tail_that_holds_all_unacknowledged(self) -> None:
        waiting = values_of(self.spool)
        assert waiting == self.put[len(self.put) - len(waiting) :]
        assert len(waiting) >= len(self.put) - self.forgotten


SpoolModel.TestCase.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
test_the_spool_keeps_its_promises = SpoolModel.TestCase
