"""The many ways in which registries say when a domain ends."""

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.services.domain import expiry_in, expiry_of
from agents.services.trouble import Failed

DAY = datetime.date(2027, 9, 5)


@pytest.mark.parametrize(
    "line",
    [
        "expires:          2027-09-05 17:40:08+03",
        "   Registry Expiry Date: 2027-09-05T04:00:00Z",
        "Registrar Registration Expiration Date: 2027-09-05T04:00:00Z",
        "paid-till:     2027-09-05T21:00:00Z",
        "Expiry date:  05-Sep-2027",
        "expire: 05.09.2027",
        "Expiration Date: 2027.09.05",
        "Expires On: 20270905",
        "renewal date: 2027/09/05",
        "Expiration Time: 2027-09-05 12:00:00",
    ],
)
def test_the_day_is_read(line: str) -> None:
    found = expiry_in(f"% notice\ncreated: 2001-01-01\nchanged: 2026-01-01\n{line}\nstatus: ok\n")
    assert found is not None
    assert found.date() == DAY


def test_of_several_the_earliest_counts() -> None:
    text = "Registrar Registration Expiration Date: 2028-01-01\nRegistry Expiry Date: 2027-09-05\n"
    found = expiry_in(text)
    assert found is not None
    assert found.date() == DAY


@pytest.mark.parametrize(
    "text", ["", "created: 2001-01-01", "expires: never", "expires: 2027-99-99", "expires: 40-Foo-2027"]
)
def test_what_says_no_day_says_none(text: str) -> None:
    assert expiry_in(text) is None


def test_an_rdap_answer_without_an_end_says_none() -> None:
    assert expiry_of(b'{"events":[{"eventAction":"registration","eventDate":"2001-01-01"}]}') is None
    assert expiry_of(b'{"events":[{"eventAction":"expiration","eventDate":"tomorrow"}]}') is None


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_rdap_or_the_declared_failure(data: bytes) -> None:
    for body in (data, b'{"events":[' + data + b"]}", b"[" * 5000):
        try:
            expiry_of(body)
        except Failed:
            continue


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_searched(text: str) -> None:
    expiry_in(text + "\nexpires: " + text)
