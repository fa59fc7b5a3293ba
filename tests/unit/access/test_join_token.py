import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.access.join_token import JoinToken, is_centre_url, parse_join_token
from beket.kernel.errors import InvalidArgument
from beket.kernel.secrets import Secret

TOKEN = JoinToken("https://centre.example:8443", "ab" * 32, Secret("1f2e3d4c.Zk9vX-_q"))


def test_a_join_line_reads_back() -> None:
    line = TOKEN.text().reveal()
    assert line.startswith("beket-join-1.")
    assert parse_join_token(line) == TOKEN


@given(st.integers(0, 300), st.sampled_from([" ", "\n", "\r\n  ", "\t"]))
def test_breaks_that_a_messenger_put_in_do_no_harm(at: int, space: str) -> None:
    line = TOKEN.text().reveal()
    assert parse_join_token(f"  {line[:at]}{space}{line[at:]}\n") == TOKEN


@given(st.data())
def test_a_cut_or_mistyped_line_is_refused_with_a_hint(data: st.DataObject) -> None:
    line = TOKEN.text().reveal()
    at = data.draw(st.integers(0, len(line) - 1))
    wrong = data.draw(st.sampled_from([line[:at], line[:at] + line[at + 1 :], line[:at] + "~" + line[at + 1 :]]))
    with pytest.raises(InvalidArgument) as caught:
        parse_join_token(wrong)
    assert caught.value.hint is not None
    assert len(wrong) < 40 or wrong[13:] not in caught.value.sentence().uk


def test_a_line_of_another_version_says_update() -> None:
    with pytest.raises(InvalidArgument, match="Another version"):
        parse_join_token(TOKEN.text().reveal().replace("join-1", "join-2"))


@given(st.text(max_size=300) | st.text(max_size=300).map(lambda text: "beket-join-1." + text))
def test_any_text_is_refused_with_one_error(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_join_token(text)


@given(st.builds(JoinToken, st.text(max_size=20), st.text(max_size=20), st.text(max_size=20).map(Secret)))
def test_a_well_made_line_with_wrong_contents_is_refused(token: JoinToken) -> None:
    with pytest.raises(InvalidArgument):
        parse_join_token(token.text().reveal())


def test_a_huge_text_is_refused_fast() -> None:
    with pytest.raises(InvalidArgument):
        parse_join_token("beket-join-1." + "a" * 10_000_000)


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://centre.example", True),
        ("https://10.0.0.5:8443", True),
        ("https://[fd00::1]:8443", True),
        ("http://centre.example", False),
        ("https://centre.example/", False),
        ("https://user:pw@centre.example", False),
        ("https://centre.example:99999", False),
        ("https://centre.example:0", False),
        ("https://", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_a_centre_url_is_https_host_and_port(url: str, *, right: bool) -> None:
    assert is_centre_url(url) is right
