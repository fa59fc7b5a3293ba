from hypothesis import given
from hypothesis import strategies as st

from agents.network.snmp.codec import Value, Varbind
from agents.network.snmp.oid import format_oid, parse_oid
from agents.network.snmp.recording import spell
from agents.network.snmp.redaction import LEFT_OUT, Redaction

SERIAL = parse_oid("1.3.6.1.4.1.9999.7.0")
MAC = bytes.fromhex("0418d62a0a92")
OWN = "1.3.6.1.4.1.9999.1"  # some maker's objects


def row(oid: str, value: Value, tag: int = 4) -> Varbind:
    return parse_oid(oid), tag, value


def redacted(*rows: Varbind, secrets: tuple[str, ...] = ("dolyna-read",)) -> dict[str, Value]:
    kept = Redaction(secrets=secrets, serials=[SERIAL]).redact(rows)
    return {format_oid(name): value for name, _, value in kept}


def test_words_of_people_and_numbers_of_one_device_are_replaced() -> None:
    told = redacted(
        row("1.3.6.1.2.1.1.4.0", "Петро Іваненко 067 123 45 67".encode()),
        row("1.3.6.1.2.1.1.5.0", b"school-mohyliv"),
        row("1.3.6.1.2.1.1.6.0", "Могилів, вул. Шкільна 1".encode()),
        row("1.3.6.1.2.1.31.1.1.1.18.3", "до хати старости".encode()),
        row("1.3.6.1.2.1.47.1.1.1.1.11.1001", b"FOC1234X5YZ"),
        row("1.3.6.1.4.1.9999.7.0", b"S/N 77"),
    )
    assert list(told.values()) == [b"contact1", b"name1", b"location1", b"alias1", b"SERIAL1", b"SERIAL1"]


def test_what_people_called_the_device_is_replaced_wherever_it_repeats_it() -> None:
    told = redacted(
        row("1.3.6.1.2.1.1.1.0", b"Linux club-tsybulkivka 6.1.0-21-amd64"),
        row("1.3.6.1.2.1.1.5.0", b"club-tsybulkivka"),
        row("1.3.6.1.2.1.1.6.0", b"1"),
        row(f"{OWN}.1.0", b"C:\\ Label:DATA  Serial Number d8e9b3d8"),
    )
    assert list(told.values()) == [
        b"Linux name1 6.1.0-21-amd64",
        b"name1",
        b"location1",
        b"C:\\ Label:DATA  Serial Number SERIAL1",
    ]


def test_addresses_become_those_for_examples_and_what_was_the_same_stays_the_same() -> None:
    told = redacted(
        row("1.3.6.1.2.1.2.2.1.6.1", MAC),
        row("1.3.6.1.2.1.2.2.1.6.2", b"abcdef"),  # a hardware address that happens to be letters
        row(f"{OWN}.1.0", MAC),
        row(f"{OWN}.2.0", b"Wlan01"),
        row(f"{OWN}.3.0", b"peer 04:18:d6:2a:0a:92 at 10.1.2.3, fe80::1"),
        row(f"{OWN}.4.0", bytes((10, 1, 2, 3)), 0x40),
        row(f"{OWN}.5.0", bytes((255, 255, 255, 0)), 0x40),
    )
    own, letters, again, name, text, address, mask = told.values()
    assert own == again
    assert own != letters
    assert isinstance(own, bytes)
    assert own[:5] == letters[:5] == bytes((0, 0, 0x5E, 0, 0x53))  # type: ignore[index]
    assert name == b"Wlan01"
    assert isinstance(text, bytes)
    assert b"d6:2a" not in text
    assert b"10.1.2.3" not in text
    assert b"fe80" not in text
    assert (address[:3], mask) == (bytes((192, 0, 2)), bytes((255, 255, 255, 0)))  # type: ignore[index]


def test_keys_and_passwords_are_replaced_wherever_they_stand() -> None:
    told = redacted(
        row(f"{OWN}.1.0", b"the community dolyna-read is read-only"),
        row(f"{OWN}.2.0", b"psk=correct-horse"),
        row(f"{OWN}.3.0", b"Password: hunter2"),
        row(f"{OWN}.4.0", b"mail it@mohyliv.gov.ua"),
        row(f"{OWN}.5.0", b"\xffdolyna-read\xfe"),
    )
    joined = b" ".join(value for value in told.values() if isinstance(value, bytes))
    for secret in (b"dolyna-read", b"correct-horse", b"hunter2", b"mohyliv"):
        assert secret not in joined


def test_tables_about_others_and_rows_with_an_address_for_index_are_left_out() -> None:
    whole = [row(f"{oid}.1.1", 1, 2) for oid in LEFT_OUT]
    assert redacted(*whole) == {}
    told = redacted(
        row("1.3.6.1.2.1.2.2.1.6.1", MAC),
        row(f"{OWN}.1.1.4.24.214.42.10.146", 1, 2),  # the address that is its port's, too
        row(f"{OWN}.1.2.104.114.81.110.52.37.3", 1, 2),
        row(f"{OWN}.1.3.192.168.1.20", 1, 2),
        row(f"{OWN}.1.4.10.20.30.40", 1, 2),
        row(f"{OWN}.1.5.1.2.3", 1, 2),
    )
    assert set(told) == {"1.3.6.1.2.1.2.2.1.6.1", f"{OWN}.1.5.1.2.3"}


def test_what_tells_only_of_the_device_stays() -> None:
    rows = [
        row("1.3.6.1.2.1.1.1.0", b"RouterOS RB952Ui-5ac2nD"),
        row("1.3.6.1.2.1.1.2.0", parse_oid("1.3.6.1.4.1.14988.1"), 6),
        row("1.3.6.1.2.1.1.3.0", 8640000, 0x43),
        row("1.3.6.1.2.1.31.1.1.1.1.1", b"ether1"),
        row("1.3.6.1.2.1.43.11.1.1.6.1.1", b"Black Cartridge HP W2110A"),
        row("1.3.6.1.4.1.4413.1.1.1.1.4.9.0", b"  5 Secs ( 12.3456%)   60 Secs ( 11.5000%)"),
        row("1.3.6.1.4.1.39165.1.7.0", b"52 PERCENT"),
    ]
    assert redacted(*rows) == {format_oid(name): value for name, _, value in rows}


secrets = st.text("abcdefghijkmnpqrstuvwxyz23456789", min_size=8, max_size=16)


@given(secrets, st.text(max_size=20), st.text(max_size=20), st.integers(1, 200))
def test_the_secret_itself_is_never_in_the_file(secret: str, before: str, after: str, place: int) -> None:
    value = (before + secret + after).encode()
    lines = [spell(one) for one in Redaction(secrets=[secret]).redact([row(f"{OWN}.{place}.0", value)])]
    assert all(secret not in line and secret.encode().hex() not in line for line in lines)
