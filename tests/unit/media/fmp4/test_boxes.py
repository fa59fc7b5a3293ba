import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.errors import ProtocolError
from beket.media.fmp4 import boxes
from beket.media.fmp4.boxes import Identity, box, find, full_box, identity_box, read_identity, walk

IDENTITY = Identity(
    community="zghurivka", site="school", camera="school-gate", sequence=7, start_90k=153_000_000_000_000,
    boot_id="0a1b", clock_is_set=True, software="0.1.0",
)  # fmt: skip


def test_boxes_nest_and_are_found_by_path() -> None:
    data = box(b"free") + box(b"moov", full_box(b"mvhd", b"\7", version=1, flags=3), box(b"trak", b"inside"))
    assert [kind for kind, _, _ in walk(data, 0, len(data))] == [b"free", b"moov"]
    start, end = find(data, (b"moov", b"trak"))
    assert data[start:end] == b"inside"
    start, end = find(data, (b"moov", b"mvhd"))
    assert data[start:end] == b"\1\0\0\3\7"


@pytest.mark.parametrize(
    "data", [b"\0\0\0\7free", b"\0\0\0\x09free", b"\0\0\0\0free", b"\0\0\0\1free" + bytes(8), b"\0\0"]
)
def test_boxes_that_do_not_fit_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(walk(data, 0, len(data)))


def test_a_missing_box_and_a_file_of_a_million_boxes_are_refused() -> None:
    with pytest.raises(ProtocolError):
        find(box(b"free"), (b"moov",))
    with pytest.raises(ProtocolError):
        find(box(b"free") * 100_000, (b"moov",))


def test_identity_comes_back_and_stays_small() -> None:
    data = identity_box(IDENTITY)
    assert len(data) < 256
    ((kind, start, end),) = walk(data, 0, len(data))
    assert (kind, read_identity(data[start:end])) == (b"uuid", IDENTITY)


def test_identity_of_a_newer_release_is_read_and_somebody_elses_box_is_not_ours() -> None:
    newer = b'{"lens":"wide",' + boxes.wire.encode(IDENTITY)[1:]
    assert read_identity(boxes.IDENTITY_TYPE + newer) == IDENTITY
    assert read_identity(bytes(16) + newer) is None


@given(st.binary(max_size=200))
def test_hostile_identities_raise_one_error(content: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_identity(boxes.IDENTITY_TYPE + content)


def test_identity_refuses_numbers_that_no_segment_has() -> None:
    data = identity_box(IDENTITY).replace(b'"sequence":7', b'"sequence":-7')
    with pytest.raises(ProtocolError):
        read_identity(data[8:])
