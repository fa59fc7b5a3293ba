import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.kernel.errors import ProtocolError
from beket.kernel.ports import Codec
from beket.media.rtp import assembly
from beket.media.rtp.access_unit import AccessUnit
from beket.media.rtp.depacketizer import Depacketizer, depacketizer_for

SPS = bytes.fromhex("6764001facd9405005bb011000000300100000030320f1831960")
PPS = bytes.fromhex("68ebecb22c")
H264_SETS = (SPS, PPS)
# x265, 640x360 main
# As x265 writes them for 640x360.
H265_SETS = (
    bytes.fromhex("40010c01ffff01600000030090000003000003003fba0240"),
    bytes.fromhex("42010101600000030090000003000003003fa005020171f2e5ba4a4c2f016808000003000800000300c840"),
    bytes.fromhex("4401c073c189"),
)
DELIMITER = b"\x09\xf0"
SEI = b"\x06\x05\x02ab\x80"


def idr(size: int = 50, fill: int = 7) -> bytes:
    return b"\x65\x88" + bytes([fill]) * size


def slice_of(size: int = 50, fill: int = 7, *, first: bool = True) -> bytes:
    return (b"\x41\x9a" if first else b"\x41\x1a") + bytes([fill]) * size


def irap(size: int = 50) -> bytes:
    return b"\x26\x01\xaf" + b"\5" * size


def trail(size: int = 50) -> bytes:
    return b"\x02\x01\xd0" + b"\5" * size


class Sender:
    """Writes RTP as a camera does, packet by packet."""

    def __init__(self, codec: Codec = "h264", *, sequence: int = 65_533, mtu: int = 20) -> None:
        self.codec = codec
        self.sequence = sequence
        self.mtu = mtu

    def packet(
        self, payload: bytes, timestamp: int, *, marker: bool = False, first: int = 0x80, tail: bytes = b""
    ) -> bytes:
        header = struct.pack(">BBHII", first, 96 | marker << 7, self.sequence, timestamp, 0xCAFE)
        self.sequence = (self.sequence + 1) & 0xFFFF
        return header + payload + tail

    def payloads(self, nal: bytes) -> list[bytes]:
        head = 1 if self.codec == "h264" else 2
        if len(nal) <= self.mtu + head:
            return [nal]
        body = [nal[at : at + self.mtu] for at in range(head, len(nal), self.mtu)]
        edges = [0x80, *[0] * (len(body) - 2), 0x40]
        if self.codec == "h264":
            return [
                bytes((nal[0] & 0xE0 | 28, nal[0] & 31 | edge)) + part for edge, part in zip(edges, body, strict=True)
            ]
        return [
            bytes((nal[0] & 0x81 | 49 << 1, nal[1], nal[0] >> 1 & 63 | edge)) + part
            for edge, part in zip(edges, body, strict=True)
        ]

    def unit(self, nals: list[bytes], timestamp: int, *, marker: bool = True) -> list[bytes]:
        payloads = [payload for nal in nals for payload in self.payloads(nal)]
        last = len(payloads) - 1
        return [self.packet(p, timestamp, marker=marker and i == last) for i, p in enumerate(payloads)]


def push(depacketizer: Depacketizer, packets: list[bytes]) -> list[AccessUnit]:
    """Each packet from a buffer of its own bounds, with rubbish around it, which is overwritten afterwards."""
    units = []
    for packet in packets:
        buffer = bytearray(b"\x5a" * 7 + packet + b"\xa5" * 30)
        unit = depacketizer.push(buffer, 7, 7 + len(packet))
        buffer[:] = bytes(len(buffer))
        if unit:
            units.append(unit)
    return units


def sized(*nals: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(nal)) + nal for nal in nals)


def h264() -> Depacketizer:
    return depacketizer_for("h264", parameter_sets=H264_SETS)


@pytest.mark.parametrize("mtu", [20, 23, 1400])
def test_h264_units_come_out_as_they_went_in_without_sets_and_delimiters(mtu: int) -> None:
    sender = Sender(mtu=mtu)
    packets = sender.unit([DELIMITER, SPS, PPS, SEI, idr(1000)], 9000) + sender.unit([DELIMITER, slice_of(300)], 12_600)
    key, delta = push(depacketizer_for("h264", parameter_sets=()), packets)
    assert (key.data, key.timestamp, key.is_key, key.lost_packets) == (sized(SEI, idr(1000)), 9000, True, 0)
    assert key.format is not None
    assert (key.format.width, key.format.height, key.format.parameter_sets) == (1280, 720, H264_SETS)
    assert (delta.data, delta.timestamp, delta.is_key, delta.format) == (sized(slice_of(300)), 12_600, False, None)


@pytest.mark.parametrize("mtu", [20, 23, 1400])
def test_h265_units_come_out_as_they_went_in(mtu: int) -> None:
    sender = Sender("h265", mtu=mtu)
    packets = sender.unit([b"\x46\x01\x10", *H265_SETS, irap(1000)], 5) + sender.unit([trail(300)], 3605)
    key, delta = push(depacketizer_for("h265", parameter_sets=()), packets)
    assert (key.data, key.is_key, delta.data, delta.is_key) == (sized(irap(1000)), True, sized(trail(300)), False)
    assert key.format is not None
    assert (key.format.width, key.format.height, key.format.parameter_sets) == (640, 360, H265_SETS)


def test_aggregated_nal_units_are_taken_apart() -> None:
    body = b"".join(struct.pack(">H", len(nal)) + nal for nal in (SPS, PPS, SEI, idr(9)))
    (unit,) = push(depacketizer_for("h264", parameter_sets=()), [Sender().packet(b"\x78" + body, 1, marker=True)])
    assert unit.data == sized(SEI, idr(9))
    body = b"".join(struct.pack(">H", len(nal)) + nal for nal in (*H265_SETS, irap(9)))
    packet = Sender("h265").packet(b"\x60\x01" + body, 1, marker=True)
    (unit,) = push(depacketizer_for("h265", parameter_sets=()), [packet])
    assert unit.data == sized(irap(9))


def test_sequence_and_timestamp_wrap_without_loss() -> None:
    sender = Sender(sequence=65_530, mtu=20)
    packets = [p for i in range(10) for p in sender.unit([idr(60)], (0xFFFFFFFF - 7200 + i * 3600) & 0xFFFFFFFF)]
    depacketizer = h264()
    units = push(depacketizer, packets)
    assert len(units) == 10
    assert depacketizer.lost_packets == 0


def test_a_unit_ends_where_the_timestamp_changes_when_the_camera_forgets_the_marker() -> None:
    sender = Sender()
    packets = [p for i in range(1, 5) for p in sender.unit([idr(60, i)], i * 3600, marker=False)]
    assert [unit.data for unit in push(h264(), packets)] == [sized(idr(60, i)) for i in range(1, 4)]


def test_two_units_that_one_packet_ends_come_one_after_the_other() -> None:
    sender = Sender(mtu=1400)
    packets = sender.unit([idr(60, 1)], 0, marker=False)
    packets += [p for i in range(2, 6) for p in sender.unit([slice_of(60, i)], i * 3600)]
    packets += sender.unit([slice_of(60, 6), slice_of(9, 6, first=False)], 7 * 3600)
    assert [unit.data[10] for unit in push(h264(), packets)] == [1, 2, 3, 4, 5, 6]


def test_parameter_sets_with_a_timestamp_and_a_marker_of_their_own_do_not_make_a_unit() -> None:
    sender = Sender()
    packets = [p for nal in (SPS, PPS, SEI) for p in sender.unit([nal], 77)] + sender.unit([idr(9)], 78)
    (unit,) = push(depacketizer_for("h264", parameter_sets=()), packets)
    assert (unit.data, unit.timestamp) == (sized(SEI, idr(9)), 78)


def test_markers_inside_pictures_are_believed_only_once() -> None:
    sender = Sender(mtu=1400)
    packets: list[bytes] = []
    for i in range(6):
        first, second = (idr(30), b"\x65\x08" + b"\1" * 30) if i % 3 == 0 else (slice_of(30), slice_of(30, first=False))
        packets += sender.unit([first], i * 3600) + sender.unit([second], i * 3600)
    units = push(h264(), packets)
    assert [len(unit.data) for unit in units] == [36, 72, 72]  # the first as marked, the rest of its GOP is withheld
    assert units[1].is_key


def test_a_hole_drops_its_unit_and_what_refers_to_it_until_the_next_key_frame() -> None:
    sender, depacketizer = Sender(), h264()
    units = push(depacketizer, sender.unit([idr(100)], 0) + sender.unit([slice_of(100)], 1))
    holed = sender.unit([slice_of(100)], 2)
    del holed[2:4]
    units += push(depacketizer, holed + sender.unit([slice_of(100)], 3) + sender.unit([slice_of(9)], 4))
    assert [unit.timestamp for unit in units] == [0, 1]
    units = push(depacketizer, sender.unit([idr(100)], 5) + sender.unit([slice_of(9)], 6))
    assert [(unit.timestamp, unit.lost_packets) for unit in units] == [(5, 2), (6, 0)]
    assert (depacketizer.lost_packets, depacketizer.withheld_units) == (2, 3)


@pytest.mark.parametrize("lost", ["head", "tail", "whole"])
def test_a_key_frame_after_a_hole_is_whole_when_only_its_neighbour_lost_packets(lost: str) -> None:
    sender, depacketizer = Sender(), h264()
    push(depacketizer, sender.unit([idr(100)], 0))
    holed = sender.unit([slice_of(100)], 1)
    kept = {"head": holed[1:], "tail": holed[:-1], "whole": []}[lost]
    units = push(depacketizer, kept + sender.unit([idr(100)], 2))
    assert [(unit.timestamp, unit.is_key) for unit in units] == [(2, True)]
    assert units[0].lost_packets == len(holed) - len(kept)


def test_a_key_frame_without_its_head_is_not_handed_on() -> None:
    sender, depacketizer = Sender(), h264()
    units = push(
        depacketizer, sender.unit([idr(100)], 0)[1:] + sender.unit([slice_of(30)], 1) + sender.unit([idr(30)], 2)
    )
    assert [unit.timestamp for unit in units] == [2]


def test_a_late_or_repeated_packet_is_passed_over() -> None:
    sender, depacketizer = Sender(), h264()
    packets = sender.unit([idr(100)], 0)
    (unit,) = push(depacketizer, [*packets[:3], packets[1], packets[2], *packets[3:], packets[-1]])
    assert (unit.data, depacketizer.lost_packets, depacketizer.late_packets) == (sized(idr(100)), 0, 3)


def test_a_packet_that_overtook_another_costs_the_unit_and_both_counters_say_so() -> None:
    sender, depacketizer = Sender(), h264()
    packets = sender.unit([idr(100)], 0)
    packets[1], packets[2] = packets[2], packets[1]
    units = push(depacketizer, packets + sender.unit([idr(100)], 1))
    assert [(unit.timestamp, unit.lost_packets) for unit in units] == [(1, depacketizer.lost_packets)]
    assert (depacketizer.lost_packets, depacketizer.late_packets, depacketizer.withheld_units) == (1, 1, 1)


def test_a_camera_that_counts_anew_lost_at_least_one_packet() -> None:
    sender, depacketizer = Sender(sequence=100), h264()
    packets = sender.unit([idr(100)], 0)
    sender.sequence = 40_000
    assert len(push(depacketizer, packets + sender.unit([idr(100)], 1))) == 2
    assert depacketizer.lost_packets == 1


def test_padding_contributing_sources_and_extensions_are_passed_over() -> None:
    sender = Sender()
    fragments = sender.payloads(idr(90))
    packets = [sender.packet(SPS, 0, first=0xA0, tail=b"\0\0\3"), sender.packet(PPS, 0, first=0x82)]
    packets[1] = packets[1][:12] + bytes(8) + packets[1][12:]
    packets += [sender.packet(b"\xbe\xde\0\2" + bytes(8) + part, 0, first=0x90) for part in fragments[:-1]]
    packets.append(sender.packet(fragments[-1], 0, first=0xA0, marker=True, tail=b"\1"))
    packets.append(sender.packet(b"", 99))  # keeps the line open
    (unit,) = push(depacketizer_for("h264", parameter_sets=()), packets)
    assert unit.data == sized(idr(90))


def test_changed_parameter_sets_give_a_format_and_unchanged_ones_do_not() -> None:
    sender, other = Sender(), bytes.fromhex("68ebecb22c80")
    packets = [p for i in range(3) for p in sender.unit([*H264_SETS, idr(30)], i)]
    packets += sender.unit([other, slice_of(30)], 3) + sender.unit([idr(30)], 4)
    formats = [unit.format and unit.format.parameter_sets for unit in push(h264(), packets)]
    assert formats == [H264_SETS, None, None, (SPS, other)]


def test_broken_sets_of_the_sdp_are_replaced_by_those_of_the_stream() -> None:
    sender = Sender()
    depacketizer = depacketizer_for("h264", parameter_sets=(b"\x67\x64", b"", b"\x68", b"\x41"))
    (unit,) = push(depacketizer, sender.unit([idr(30)], 0) + sender.unit([*H264_SETS, idr(30)], 1))
    assert unit.timestamp == 1


def test_recovery_without_idr_is_a_key_frame_only_if_it_is_exact_at_once() -> None:
    sender = Sender()
    gradual, exact = b"\x06\x06\x01\x40\x80", b"\x06\x05\x01\x00\x06\x01\xc0\x80"
    units = push(h264(), sender.unit([gradual, slice_of()], 0) + sender.unit([exact, slice_of()], 1))
    assert [(unit.timestamp, unit.is_key) for unit in units] == [(1, True)]


@pytest.mark.parametrize(
    "payload", [b"\x79\0", b"\x7c", b"\x7c\x05\x01", b"\x78\xff\xff\0", b"\x78\0\0\0", b"\x65", b"\0\0"]
)
def test_a_payload_that_makes_no_sense_counts_as_damage_and_the_stream_goes_on(payload: bytes) -> None:
    sender, depacketizer = Sender(), h264()
    packets = [*sender.unit([idr(30)], 0), sender.packet(payload, 1, marker=True), *sender.unit([idr(30)], 2)]
    units = push(depacketizer, packets)
    assert [unit.timestamp for unit in units] == [0, 2]
    assert depacketizer.lost_packets + depacketizer.withheld_units >= 1


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x80" * 11,
        b"\x40" + bytes(20),
        b"\x8f" + bytes(30),
        b"\x90" + bytes(11) + b"\0\0\xff\xff",
        b"\xa0" + bytes(12) + b"\xff",
    ],
)
def test_what_is_not_rtp_is_refused(packet: bytes) -> None:
    with pytest.raises(ProtocolError):
        push(h264(), [packet])


def test_a_unit_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "UNIT_MAX_BYTES", 10_000)
    sender = Sender(mtu=1400)
    with pytest.raises(ProtocolError):
        push(h264(), [sender.packet(slice_of(1000), 5) for _ in range(30)])


def test_a_fragment_without_end_is_refused() -> None:
    sender, depacketizer = Sender(), h264()
    push(depacketizer, [sender.packet(b"\x7c\x85\x88" + bytes(60_000), 1)])
    with pytest.raises(ProtocolError):
        push(depacketizer, [sender.packet(b"\x7c\x05" + bytes(60_000), 1) for _ in range(300)])


def test_too_many_parameter_sets_are_refused() -> None:
    sender = Sender(mtu=1400)
    sets = [b"\x68" + (code << 3).to_bytes(2, "big") for code in range(64, 128)]  # ids 63 to 126, Exp-Golomb
    with pytest.raises(ProtocolError):
        push(h264(), [sender.packet(nal, 0) for nal in sets])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from(["h264", "h265"]), st.integers(0, 30))
def test_with_any_losses_what_is_handed_on_is_whole_and_follows_a_key_frame(
    seed: int, codec: Codec, percent: int
) -> None:
    rng = random.Random(seed)
    sender = Sender(codec, sequence=rng.randrange(65_536), mtu=40)
    make_key, make_delta, sets = (idr, slice_of, H264_SETS) if codec == "h264" else (irap, trail, H265_SETS)
    sent, packets = {}, []
    for i in range(60):
        picture = make_key(rng.randrange(1, 300)) if i % 10 == 0 else make_delta(rng.randrange(1, 300))
        sent[i * 3600] = (sized(picture), i)
        packets += sender.unit([*sets, picture] if i % 10 == 0 else [picture], i * 3600)
    kept = [packet for packet in packets if rng.randrange(100) >= percent]
    depacketizer = depacketizer_for(codec, parameter_sets=())
    units = push(depacketizer, kept)
    before = -1
    for unit in units:
        data, index = sent[unit.timestamp]
        assert unit.data == data
        assert index % 10 == 0 or index == before + 1
        before = index
    inside = packets.index(kept[-1]) - packets.index(kept[0]) + 1 - len(kept) if kept else 0
    assert depacketizer.lost_packets == inside
    if len(kept) == len(packets):
        assert len(units) == 60


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["h264", "h265"]), st.lists(st.binary(max_size=60), max_size=12), st.booleans())
def test_hostile_packets_raise_one_error_and_nothing_else(codec: Codec, payloads: list[bytes], raw: bool) -> None:
    depacketizer = depacketizer_for(codec, parameter_sets=())
    for index, payload in enumerate(payloads):
        packet = payload if raw else struct.pack(">BBHII", 0x80, (index % 3 == 0) << 7, index, index // 4, 1) + payload
        try:
            push(depacketizer, [packet])
        except ProtocolError:
            return


# Zero bytes after a NAL unit ---


def ends_in_zero(data: bytes) -> bool:
    """Whether a unit holds what recovery takes for a torn write: an empty NAL unit, or one that ends in a zero byte."""
    at = 0
    while at < len(data):
        after = at + 4 + int.from_bytes(data[at : at + 4], "big")
        assert after <= len(data)
        if after == at + 4 or data[after - 1] == 0:
            return True
        at = after
    return False


@pytest.mark.parametrize("zeros", [1, 2, 19, 45])  # of one byte of a fragment, and of whole fragments
@pytest.mark.parametrize("mtu", [20, 1400])
def test_zeros_that_a_camera_leaves_after_its_nal_units_are_no_part_of_them(mtu: int, zeros: int) -> None:
    tail, sender, depacketizer = bytes(zeros), Sender(mtu=mtu), depacketizer_for("h264", parameter_sets=())
    packets = sender.unit([SPS + tail, PPS + tail, SEI + tail, idr(90) + tail], 0)
    packets += sender.unit([slice_of(90) + tail, slice_of(30, first=False) + tail], 1)
    pieces = b"".join(struct.pack(">H", len(nal)) + nal for nal in (SPS, PPS + tail, SEI + tail, idr(9) + tail))
    packets.append(sender.packet(b"\x78" + pieces, 2, marker=True))
    first, second, third = push(depacketizer, packets)
    assert first.data == sized(SEI, idr(90))
    assert second.data == sized(slice_of(90), slice_of(30, first=False))
    assert third.data == sized(SEI, idr(9))
    assert first.format is not None
    assert first.format.parameter_sets == H264_SETS
    assert third.format is None
    assert depacketizer.lost_packets == depacketizer.withheld_units == 0


@pytest.mark.parametrize("zeros", [1, 45])
@pytest.mark.parametrize("mtu", [20, 1400])
def test_zeros_after_nal_units_of_h265_are_no_part_of_them(mtu: int, zeros: int) -> None:
    tail, sender, depacketizer = bytes(zeros), Sender("h265", mtu=mtu), depacketizer_for("h265", parameter_sets=())
    packets = sender.unit([*(nal + tail for nal in H265_SETS), irap(90) + tail], 0) + sender.unit([trail() + tail], 1)
    pieces = b"".join(struct.pack(">H", len(nal)) + nal for nal in (irap(9) + tail, b"\x4e\x01\x80" + tail))
    packets.append(sender.packet(b"\x60\x01" + pieces, 2, marker=True))
    units = push(depacketizer, packets)
    assert [unit.data for unit in units] == [sized(irap(90)), sized(trail()), sized(irap(9), b"\x4e\x01\x80")]
    assert units[0].format is not None
    assert units[0].format.parameter_sets == H265_SETS
    assert depacketizer.lost_packets == depacketizer.withheld_units == 0


@pytest.mark.parametrize(
    ("codec", "payloads"),
    [
        ("h264", [b"\x78\0\x03\0\0\0"]),  # of a STAP-A
        ("h264", [b"\x1c\x80\0", b"\x1c\x40\0"]),  # of fragments
        ("h264", [b"\x7c\x81\0", b"\x7c\x41\0"]),  # a slice of nothing else
        ("h264", [b"\x61\0\0"]),
        ("h265", [b"\x60\x01\0\x04\0\0\0\0"]),
        ("h265", [b"\x62\0\x80\0", b"\x62\0\x40\0"]),
        ("h265", [b"\x62\1\x81\0", b"\x62\1\x41\0"]),
        ("h265", [b"\x02\1\0\0"]),
    ],
)
def test_a_nal_unit_of_nothing_but_zeros_is_damage(codec: Codec, payloads: list[bytes]) -> None:
    sender = Sender(codec, mtu=1400)
    depacketizer = depacketizer_for(codec, parameter_sets=H264_SETS if codec == "h264" else H265_SETS)
    key = idr() if codec == "h264" else irap()
    damaged = sender.unit([key], 0)[:-1]
    damaged += [sender.packet(p, 0, marker=p is payloads[-1]) for p in [*sender.payloads(key), *payloads]]
    units = push(depacketizer, damaged + sender.unit([key], 1))
    assert [(unit.timestamp, unit.data) for unit in units] == [(1, sized(key))]
    assert depacketizer.lost_packets + depacketizer.withheld_units >= 1


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["h264", "h265"]), st.data())
def test_recovery_finds_every_unit_sound_that_is_handed_on_whatever_came(codec: Codec, data: st.DataObject) -> None:
    sender = Sender(codec, mtu=data.draw(st.integers(18, 60)))
    zeros_or_noise = st.lists(st.sampled_from([b"\0" * 30, b"\0", b"\x80", b"\5" * 7]), max_size=6).map(b"".join)
    heads = {"h264": [b"\x65\x88", b"\x41\x9a", b"\0", b"\6"], "h265": [b"\x26\1\xaf", b"\2\1\xd0", b"\0\0\0"]}
    nals = st.builds(lambda head, body: head + body, st.sampled_from(heads[codec]), zeros_or_noise)
    packets: list[bytes] = []
    for number in range(data.draw(st.integers(1, 6))):
        packets += sender.unit(data.draw(st.lists(nals, min_size=1, max_size=4)), number)
        pieces = b"".join(struct.pack(">H", len(nal)) + nal for nal in data.draw(st.lists(nals, max_size=3)))
        aggregate = (b"\x78" if codec == "h264" else b"\x60\1") + pieces
        packets.append(sender.packet(aggregate, number + 100, marker=True))
    depacketizer = depacketizer_for(codec, parameter_sets=H264_SETS if codec == "h264" else H265_SETS)
    for unit in push(depacketizer, packets):
        assert not ends_in_zero(unit.data)


# A row of frames that are alike ---


def through(depacketizer: Depacketizer, stream: bytes, *, by_rows: bool) -> list[AccessUnit]:
    """Interleaved frames as a session splits them, one by one or by rows."""
    buffer, at, units = bytearray(stream), 0, []
    view = memoryview(buffer)
    while len(buffer) - at >= 4:
        after = at + 4 + int.from_bytes(buffer[at + 2 : at + 4], "big")
        if after > len(buffer):
            break
        unit = depacketizer.push(buffer, at + 4, after) if buffer[at + 1] == 0 else None
        if unit is not None:
            units.append(unit)
        elif by_rows and buffer[at + 1] == 0 and buffer[after : after + 4] == buffer[at : at + 4]:
            after += (after - at) * depacketizer.push_alike(view, at, after, len(buffer))
        at = after
    return units


def interleaved(packets: list[bytes], channels: dict[int, int] | None = None) -> bytes:
    chosen = channels or {}
    return b"".join(struct.pack(">cBH", b"$", chosen.get(i, 0), len(p)) + p for i, p in enumerate(packets))


@pytest.mark.parametrize("codec", ["h264", "h265"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_rows_bring_the_same_units_as_packets_one_by_one_whatever_is_lost_or_broken(
    codec: Codec, data: st.DataObject
) -> None:
    sender = Sender(codec, sequence=data.draw(st.integers(65_200, 65_600)) & 0xFFFF, mtu=data.draw(st.integers(18, 40)))
    key, plain = (idr, slice_of) if codec == "h264" else (irap, trail)
    sizes = data.draw(st.lists(st.integers(1, 900), min_size=1, max_size=5))
    packets: list[bytes] = []
    for number, size in enumerate(sizes):
        packets += sender.unit([(plain if number % 3 else key)(size)], 3600 * number)
    some = st.integers(0, len(packets) - 1)
    for place in data.draw(st.lists(some, max_size=3)):
        broken = bytearray(packets[place])
        broken[data.draw(st.integers(1, min(15, len(broken) - 1)))] ^= data.draw(st.integers(1, 255))
        packets[place] = bytes(broken)
    channels = dict.fromkeys(data.draw(st.lists(some, max_size=2)), 1)
    lost = set(data.draw(st.lists(some, max_size=3)))
    stream = interleaved([packet for i, packet in enumerate(packets) if i not in lost], channels)

    def outcome(*, by_rows: bool) -> tuple[list[AccessUnit], int, int, int] | str:
        depacketizer = depacketizer_for(codec, parameter_sets=H264_SETS if codec == "h264" else H265_SETS)
        try:
            units = through(depacketizer, stream, by_rows=by_rows)
        except ProtocolError as error:
            return error.sentence().en
        return units, depacketizer.lost_packets, depacketizer.late_packets, depacketizer.withheld_units

    assert outcome(by_rows=True) == outcome(by_rows=False)


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_large_picture_is_taken_by_rows(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = H264_SETS if codec == "h264" else H265_SETS
    depacketizer = depacketizer_for(codec, parameter_sets=sets)
    taken: list[int] = []
    alike = type(depacketizer).push_alike

    def counting(*arguments: object) -> int:
        taken.append(alike(*arguments))  # type: ignore[arg-type]
        return taken[-1]

    monkeypatch.setattr(type(depacketizer), "push_alike", counting)
    sender = Sender(codec, sequence=0, mtu=30)
    packets = sender.unit([(idr if codec == "h264" else irap)(5000)], 3600)
    (unit,) = through(depacketizer, interleaved(packets), by_rows=True)
    assert unit.is_key
    assert sum(taken) == len(packets) - 2  # all but the first and the last


def test_a_row_beyond_any_cameras_picture_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "UNIT_MAX_BYTES", 1000)
    depacketizer = depacketizer_for("h264", parameter_sets=H264_SETS)
    with pytest.raises(ProtocolError):
        through(depacketizer, interleaved(Sender(mtu=30).unit([idr(5000)], 1)), by_rows=True)
