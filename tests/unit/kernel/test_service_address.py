import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.kernel.errors import InvalidArgument
from beket.kernel.service_address import ServiceKind, parse_place, parse_service_address


@pytest.mark.parametrize(
    ("address", "kind", "host", "port", "name"),
    [
        ("ping://10.20.1.1", ServiceKind.PING, "10.20.1.1", 0, ""),
        ("tcp://[fd00::1]:1433", ServiceKind.TCP, "fd00::1", 1433, ""),
        ("https://rada.example.ua/page?a=1", ServiceKind.HTTPS, "rada.example.ua", 443, "page"),
        ("dns://10.20.1.1/rada.example.ua?type=mx", ServiceKind.DNS, "10.20.1.1", 53, "rada.example.ua"),
        ("ntp://10.20.1.1", ServiceKind.NTP, "10.20.1.1", 123, ""),
        ("rtsp://10.20.1.11:8554/main", ServiceKind.RTSP, "10.20.1.11", 8554, "main"),
        ("whois://whois.ua/xn--80aa.ua", ServiceKind.WHOIS, "whois.ua", 43, "xn--80aa.ua"),
        ("rdap://rdap.example/v1/domain/a.org", ServiceKind.RDAP, "rdap.example", 443, "v1/domain/a.org"),
        ("mail://smtp.ua/robot@rada.ua?imap=imap.ua:993", ServiceKind.MAIL, "smtp.ua", 25, "robot@rada.ua"),
    ],
)
def test_an_address_says_how_and_where(address: str, kind: ServiceKind, host: str, port: int, name: str) -> None:
    found = parse_service_address(address)
    assert (found.kind, found.host, found.port, found.name, found.url) == (kind, host, port, name, address)


@pytest.mark.parametrize(
    "address",
    [
        *("", "rada.ua", "ftp://rada.ua", "http://", "http://ра­да.ua", "http://a b", "http://a:0", "http://a:65536"),
        *(
            "tcp://a",
            "ping://a:5",
            "dns://a",
            "dns://a/b c",
            "dns://a/x.ua?type=ANY",
            "whois://whois.ua",
            "tcp://a:1\n",
        ),
        *("rdap://rdap.ua/x.ua", "mail://smtp.ua/robot", "mail://smtp.ua/r@a.ua", "mail://s.ua/r@a.ua?imap=x"),
        *("http://" + "a" * 254, "http://a/" + "b" * 500, "http://a/?" + "&".join("abcdefghijklmnopqrstuvwxyz")),
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(address: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        parse_service_address(address)
    assert len(raised.value.message.uk) > 15
    assert len(raised.value.message.en) > 15


def test_a_login_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidArgument) as raised:
        parse_service_address("http://admin:hunter2@10.0.0.1/")
    assert "hunter2" not in str(raised.value.sentence().uk)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    for scheme in ("", "http://", "dns://a/", "mail://a/b@c?imap="):
        try:
            assert parse_service_address(scheme + text).host
        except InvalidArgument:
            continue


def test_a_place_is_a_host_and_a_port() -> None:
    assert parse_place("imap.ua:993") == ("imap.ua", 993)
    assert parse_place("[fd00::1]:993") == ("fd00::1", 993)
    assert parse_place("imap.ua") is parse_place("imap.ua:0") is parse_place("imap.ua:99999") is None
