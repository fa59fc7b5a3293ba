"""The recovery key on paper: what is typed back is what was printed, and a slip is told with its group."""

import contextlib
import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.escrow.recovery_key import GROUP_SIGNS, GROUPS, SIGNS, new_recovery_key, read_recovery_key
from backup.escrow.sheet import Sheet, render
from beket.kernel.errors import InvalidArgument
from beket.kernel.secrets import Secret

NOW_AT = datetime.datetime(2026, 11, 27, 10, tzinfo=datetime.UTC)
KEY = new_recovery_key().reveal()
WHERE = st.integers(0, GROUPS * (GROUP_SIGNS + 1) - 1)


def test_key_is_typed_back_as_people_type() -> None:
    cyrillic = KEY.translate(str.maketrans("ABCEHKMPTX", "АВСЕНКМРТХ"))
    for typed in (KEY, KEY.lower(), KEY.replace("-", ""), f"  {KEY.replace('-', ' ')}\n", cyrillic, cyrillic.lower()):
        assert read_recovery_key(typed).reveal() == KEY
    assert read_recovery_key(KEY.replace("0", "O").replace("1", "l")).reveal() == KEY


@given(where=WHERE, sign=st.sampled_from(SIGNS))
def test_wrong_sign_is_told_with_its_group(where: int, sign: str) -> None:
    signs = list(KEY.replace("-", ""))
    if signs[where] == sign:
        return
    signs[where] = sign
    with pytest.raises(InvalidArgument, match=rf"Group {where // (GROUP_SIGNS + 1) + 1} "):
        read_recovery_key("".join(signs))


@given(st.permutations(range(GROUPS)))
def test_groups_in_another_order_are_refused(order: list[int]) -> None:
    groups = KEY.split("-")
    moved = [groups[number] for number in order]
    if order == sorted(order):
        assert read_recovery_key("-".join(moved)).reveal() == KEY
    else:
        with pytest.raises(InvalidArgument):
            read_recovery_key("-".join(moved))


@given(st.text(max_size=60))
def test_anything_typed_is_a_key_or_one_sentence(typed: str) -> None:
    with contextlib.suppress(InvalidArgument):
        assert re.fullmatch(rf"([{SIGNS}]{{5}}-){{7}}[{SIGNS}]{{5}}", read_recovery_key(typed).reveal())


def test_sheet_has_the_key_and_hides_nothing_in_markup() -> None:
    sheet = Sheet(
        "Громада <1>", "council-1a2b3c4d", 'Сільрада "Центр"', "/var/lib/beket/repositories/c", Secret(KEY), NOW_AT
    )
    page = render(sheet)
    assert [group for group in KEY.split("-") if group not in page] == []
    assert "Громада &lt;1&gt;" in page
    assert "27.11.2026" in page
    assert "@media print" in page
    assert not re.search(r"(src|href)=", page)
