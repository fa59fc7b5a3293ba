"""Diffs of configurations: what people read, how many lines, and the words for an alert."""

from hypothesis import given
from hypothesis import strategies as st

from backup.configs.difference import SHOWN_LINES_MAX, counts, spell, summary, unified

BEFORE = "".join(f"line {n}\n" for n in range(20))
AFTER = BEFORE.replace("line 10\n", "line ten\nanother\n")
LINES = st.lists(st.sampled_from(["a", "b", "c", "--", "++", "@@"]), max_size=30).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)


def test_a_diff_shows_the_place_and_the_lines() -> None:
    words = spell(unified(BEFORE, AFTER))
    assert words.startswith("@@ -8,7 +8,8 @@\n line 7\n")
    assert "-line 10\n+line ten\n+another\n line 11\n" in words
    assert counts(BEFORE, AFTER) == (2, 1)
    assert unified(BEFORE, BEFORE) == []
    assert counts("", BEFORE) == (20, 0)


def test_an_alert_has_the_first_lines_only() -> None:
    assert summary(BEFORE, AFTER) == "− line 10; + line ten; + another"
    assert summary("", BEFORE).endswith("; …")
    assert len(summary("", "x" * 5000 + "\n")) < 200


def test_a_diff_is_bounded() -> None:
    assert len(unified("", "x\n" * (2 * SHOWN_LINES_MAX))) == SHOWN_LINES_MAX + 1


@given(LINES, LINES)
def test_counts_are_the_marked_lines(before: str, after: str) -> None:
    lines = unified(before, after)
    kinds = [line.kind for line in lines]
    assert counts(before, after) == (kinds.count("added"), kinds.count("removed"))
    assert len(after.splitlines()) - len(before.splitlines()) == kinds.count("added") - kinds.count("removed")
