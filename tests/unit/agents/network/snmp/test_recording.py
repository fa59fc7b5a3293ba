import asyncio
import bz2
import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.network.snmp.codec import Varbind
from agents.network.snmp.oid import parse_oid
from agents.network.snmp.port import Target
from agents.network.snmp.recording import load_recording, spell
from beket.kernel.errors import InvalidArgument, NotFound, ProtocolError

TEXT = """# by hand
1.3.6.1.2.1.1.1.0|4|A switch
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9.1
1.3.6.1.2.1.1.3.0|67|500
1.3.6.1.2.1.2.2.1.2.1|4x|67652f31
1.3.6.1.2.1.2.2.1.10.1|65:numeric|rate=1
1.3.6.1.2.1.4.20.1.1.1|64|10.0.0.1
1.3.6.1.2.1.31.1.1.1.6.1|70|18446744073709551615
1.3.6.1.2.1.31.1.1.1.9.1|5|
"""


def test_a_recording_answers_as_the_device_did(tmp_path: Path) -> None:
    path = tmp_path / "switch.snmprec"
    path.write_text(TEXT)
    one = load_recording(path)
    assert len(one.rows) == 7
    names = [parse_oid(oid) for oid in ("1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.9.0")]
    assert asyncio.run(one.get(Target("sw"), names)) == {names[0]: b"A switch", names[1]: parse_oid("1.3.6.1.4.1.9.1")}
    columns = [parse_oid(oid) for oid in ("1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.31.1.1.1.6", "1.3.6.1.2.1.31.1.1.1.1")]
    walk = asyncio.run(one.walk(Target("sw"), columns))
    assert (walk.columns, walk.error) == ([{b"\x01": b"ge/1"}, {b"\x01": 2**64 - 1}, {}], None)
    packed = tmp_path / "switch.snmprec.bz2"
    packed.write_bytes(bz2.compress(TEXT.encode()))
    assert load_recording(packed).rows == one.rows


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "switch.snmprec"
    path.write_text(TEXT)
    rows = load_recording(path).rows
    written = [row for row in rows if row[2] is not None]
    again = tmp_path / "again.snmprec"
    again.write_text("\n".join(spell(row) for row in written))
    assert load_recording(again).rows == written


values = st.one_of(
    st.tuples(st.just(4), st.binary(max_size=40)),
    st.tuples(st.just(0x40), st.binary(min_size=4, max_size=4)),
    st.tuples(st.sampled_from([0x41, 0x42, 0x43, 0x46, 2]), st.integers(0, 2**64 - 1)),
    st.tuples(st.just(6), st.just(parse_oid("1.3.6.1.4.1.9"))),
)


@given(st.lists(values, max_size=8))
def test_any_value_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, found: list[tuple[int, int]]) -> None:
    rows: list[Varbind] = [(parse_oid(f"1.3.6.1.4.1.1.{i}"), tag, value) for i, (tag, value) in enumerate(found)]
    path = tmp_path_factory.mktemp("r") / "r.snmprec"
    path.write_text("\n".join(spell(row) for row in rows))
    assert load_recording(path).rows == rows


@given(st.binary(max_size=200))
def test_bytes_that_are_no_recording_are_refused_by_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("r") / "r.snmprec"
    path.write_bytes(data)
    with contextlib.suppress(InvalidArgument):
        load_recording(path)


def test_the_line_that_is_wrong_is_named(tmp_path: Path) -> None:
    for line in ("1.3.6.1|4", "1.three|4|x", "1.3.6.1|4x|zz", "1.3.6.1|99|x", "1.3.6.1|2|two"):
        path = tmp_path / "bad.snmprec"
        path.write_text(TEXT + line)
        with pytest.raises(InvalidArgument) as caught:
            load_recording(path)
        assert "10" in caught.value.sentence().uk


def test_a_file_that_is_not_there_or_is_no_archive_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load_recording(tmp_path / "none.snmprec")
    packed = tmp_path / "x.snmprec.bz2"
    packed.write_bytes(b"not packed")
    with pytest.raises(NotFound):
        load_recording(packed)


def test_a_value_that_the_form_does_not_know_is_not_written() -> None:
    with pytest.raises(ProtocolError):
        spell((parse_oid("1.3.6.1.4.1.1"), 0x80, None))
