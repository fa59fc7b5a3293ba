import contextlib
import random

import pytest
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.network.snmp import ber, codec, usm
from agents.network.snmp.codec import Malformed, Pdu
from agents.network.snmp.credentials import Auth, Priv, V3User
from agents.network.snmp.oid import parse_oid
from agents.network.snmp.usm import Report, Reported, Session, Untrusted, localized_key, read_envelope
from beket.kernel.clock import SimulatedClock
from beket.kernel.secrets import Secret

ENGINE = bytes.fromhex("80001f8804626b74")
NAME = parse_oid("1.3.6.1.2.1.1.5.0")
SAFE = V3User("beket", Auth.SHA256, Secret("signing-words"), Priv.AES128, Secret("sealing-words"))
SIGNED = V3User("beket", Auth.SHA1, Secret("signing-words"))
OPEN = V3User("beket")
LEVELS = [OPEN, SIGNED, SAFE]


class Device:
    """The other side, made of a session whose clock is the device's own."""

    def __init__(self, user: V3User, engine_id: bytes = ENGINE, boots: int = 3, time_s: int = 1000) -> None:
        self.clock = SimulatedClock()
        self.user, self.engine_id, self.boots, self.time_s = user, engine_id, boots, time_s

    def _session(self, user: V3User) -> Session:
        session = Session(user, self.clock, salt=random.getrandbits(64))
        clock = usm.Envelope(b"", 0, 0, self.engine_id, self.boots, self.time_s, b"", b"", 0, b"", 0, 0)
        session.learn(Reported(Report.UNKNOWN_ENGINE, clock))
        return session

    def say(self, message_id: int, tag: int, name: bytes, user: V3User | None = None) -> bytes:
        binding = ber.tlv(0x30, ber.tlv(6, name) + b"\x41\x01\x07")
        numbers = b"\x02\x04%b\x02\x01\x00\x02\x01\x00" % message_id.to_bytes(4)
        pdu = ber.tlv(tag, numbers + ber.tlv(0x30, binding))
        return self._session(user or self.user).seal(message_id, pdu)

    def answer(self, message_id: int) -> bytes:
        return self.say(message_id, codec.PDU_RESPONSE, NAME)

    def report(self, message_id: int, report: Report, user: V3User = OPEN) -> bytes:
        return self.say(message_id, codec.PDU_REPORT, report.value, user)


def met(user: V3User, device: Device, clock: SimulatedClock | None = None) -> Session:
    """A session that has found out the device's engine."""
    session = Session(user, clock or device.clock, salt=1)
    learn(session, device.report(1, Report.UNKNOWN_ENGINE))
    return session


def learn(session: Session, data: bytes) -> bool:
    with pytest.raises(Reported) as caught:
        session.open(read_envelope(data))
    return session.learn(caught.value)


# Keys -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digest", "key"),
    [("md5", "526f5eed9fcce26f8964c2930787d82b"), ("sha1", "6695febc9288e36282235fc7151f128497b38f3f")],
)
def test_keys_are_those_of_the_examples_in_rfc_3414(digest: str, key: str) -> None:
    assert localized_key(digest, Secret("maplesyrup"), bytes(11) + b"\x02").hex() == key


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16), st.binary(max_size=200))
def test_sealing_is_aes_in_cfb(key: bytes, iv: bytes, text: bytes) -> None:
    theirs = Cipher(AES(key), CFB(iv)).encryptor()
    sealed = theirs.update(text) + theirs.finalize()
    ours = usm._AesCfb(key)
    assert ours.encrypt(iv, text) == sealed
    assert ours.decrypt(iv, sealed) == text


# Messages -------------------------------------------------------------------------------------------------------------


def test_the_first_question_asks_for_the_engine_and_tells_nothing() -> None:
    envelope = read_envelope(Session(SAFE, SimulatedClock(), salt=1).seal(77, b""))
    assert (envelope.message_id, envelope.level, envelope.engine_id, envelope.user) == (77, 0, b"", b"")


@pytest.mark.parametrize("user", LEVELS)
def test_an_answer_is_opened_and_a_question_shows_what_it_must_only(user: V3User) -> None:
    device = Device(user)
    session = met(user, device)
    question = session.seal(78, codec.encode_pdu(Pdu.GET, 78, [NAME]))
    assert (NAME in question) == (user.priv is Priv.NONE)
    head = session.open(read_envelope(device.answer(78)))
    assert head.request_id == 78
    assert head.varbinds() == [(NAME, codec.TAG_COUNTER32, 7)]


def test_no_two_questions_are_sealed_alike() -> None:
    session = met(SAFE, Device(SAFE))
    pdu = codec.encode_pdu(Pdu.GET, 78, [NAME])
    assert len({read_envelope(session.seal(78, pdu)).salt for _ in range(100)}) == 100


@pytest.mark.parametrize("user", [SIGNED, SAFE])
def test_no_octet_of_a_signed_answer_can_be_changed(user: V3User) -> None:
    device = Device(user)
    session = met(user, device)
    good = device.answer(78)
    session.open(read_envelope(good))
    for at in range(len(good)):
        bad = good[:at] + bytes((good[at] ^ 0x55,)) + good[at + 1 :]
        with pytest.raises((Untrusted, Malformed)):
            session.open(read_envelope(bad) if usm.is_v3(bad) else read_envelope(b""))


@pytest.mark.parametrize("user", [SIGNED, SAFE])
def test_an_answer_without_signature_is_not_believed(user: V3User) -> None:
    session = met(user, Device(user))
    with pytest.raises(Untrusted):
        session.open(read_envelope(Device(V3User("beket")).answer(78)))
    with pytest.raises(Untrusted):
        met(OPEN, Device(OPEN)).open(read_envelope(Device(user).answer(78)))


def test_an_answer_that_is_signed_but_not_sealed_as_asked_is_not_believed() -> None:
    signed = V3User(SAFE.name, SAFE.auth, SAFE.auth_password)
    with pytest.raises(Untrusted):
        met(SAFE, Device(SAFE)).open(read_envelope(Device(signed).answer(78)))


@pytest.mark.parametrize("other", [b"another-engine", ENGINE + b"\x00"])
def test_an_answer_of_another_engine_is_not_believed(other: bytes) -> None:
    for user in LEVELS:
        with pytest.raises(Untrusted):
            met(user, Device(user)).open(read_envelope(Device(user, engine_id=other).answer(78)))


def test_the_number_inside_must_be_that_of_the_envelope() -> None:
    device = Device(SAFE)
    inner = codec.encode_pdu(Pdu.GET, 79, [NAME]).replace(b"\xa0", b"\xa2", 1)
    with pytest.raises(Malformed):
        met(SAFE, device).open(read_envelope(device._session(SAFE).seal(78, inner)))


# Clocks ---------------------------------------------------------------------------------------------------------------


def test_an_old_answer_is_not_believed() -> None:
    device, clock = Device(SAFE), SimulatedClock()
    session = met(SAFE, device, clock)
    old = device.answer(78)
    session.open(read_envelope(old))
    clock.pass_time(usm.TIME_WINDOW_S + 1)
    with pytest.raises(Untrusted):
        session.open(read_envelope(old))
    device.boots -= 1
    with pytest.raises(Untrusted):
        session.open(read_envelope(device.answer(79)))


def test_a_restarted_device_says_its_new_clock_and_is_asked_with_it() -> None:
    device = Device(SAFE)
    session = met(SAFE, device)
    device.boots, device.time_s = 4, 5
    assert learn(session, device.report(80, Report.NOT_IN_TIME_WINDOW, SIGNED_ONLY))
    question = read_envelope(session.seal(81, codec.encode_pdu(Pdu.GET, 81, [NAME])))
    assert (question.boots, question.time_s) == (4, 5)


SIGNED_ONLY = V3User(SAFE.name, SAFE.auth, SAFE.auth_password)


def test_a_device_that_forgets_how_often_it_started_is_asked_with_its_clock_too() -> None:
    device = Device(SAFE, boots=1, time_s=9_000_000)
    session = met(SAFE, device)
    device.time_s = 3
    assert learn(session, device.report(80, Report.NOT_IN_TIME_WINDOW, SIGNED_ONLY))
    assert read_envelope(session.seal(81, b"\xa0\x00")).time_s == 3


def test_a_clock_that_nobody_signed_changes_nothing() -> None:
    device = Device(SAFE)
    session = met(SAFE, device)
    device.boots = 99
    assert not learn(session, device.report(80, Report.NOT_IN_TIME_WINDOW))
    assert read_envelope(session.seal(81, b"\xa0\x00")).boots == 3


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1), st.integers(0, 10**10))
@settings(max_examples=50)
def test_the_clock_of_a_question_runs_on_and_never_out_of_its_bounds(boots: int, time_s: int, later_s: int) -> None:
    device, clock = Device(SAFE, boots=boots, time_s=time_s), SimulatedClock()
    session = met(SAFE, device, clock)
    clock.pass_time(later_s)
    question = read_envelope(session.seal(81, b"\xa0\x00"))
    assert (question.boots, question.time_s) == (boots, min(time_s + later_s, 2**31 - 1))


def test_reports_are_told_apart_and_only_what_helps_is_learnt() -> None:
    session = met(SAFE, Device(SAFE))
    for report in Report:
        with pytest.raises(Reported) as caught:
            session.open(read_envelope(Device(SAFE).report(80, report)))
        assert caught.value.report is report
        assert session.learn(caught.value) == (report is Report.UNKNOWN_ENGINE)


def test_a_device_with_a_new_engine_is_met_anew() -> None:
    session = met(SAFE, Device(SAFE))
    new = Device(SAFE, engine_id=b"\x80\x00\x00\x00\x05new")
    assert learn(session, new.report(80, Report.UNKNOWN_ENGINE))
    assert session.open(read_envelope(new.answer(81))).request_id == 81


# Hostile bytes --------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_bytes_from_anybody_are_a_message_or_malformed(data: st.DataObject) -> None:
    user = data.draw(st.sampled_from(LEVELS))
    device = Device(user)
    raw = bytearray(data.draw(st.one_of(st.binary(max_size=300), st.just(device.answer(78)))))
    for _ in range(data.draw(st.integers(0, 4))):
        if raw:
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    with contextlib.suppress(Malformed, Untrusted, Reported):
        met(user, device).open(read_envelope(damaged)).varbinds()


def test_a_message_of_lengths_only_costs_no_more_than_its_length() -> None:
    with pytest.raises(Malformed):
        read_envelope(b"\x30\x84\xff\xff\xff\xff" + b"\x02\x01\x03" + b"\x30\x82\xff\xff" * 10_000)
