"""Weeks of samples through a store with a byte cap; the two years are tests/torture/test_two_years_of_samples.py."""

from pathlib import Path

from collector.store.keeping import DAY_S, Keeping
from tests.sample_years import LASTING, live

DAYS, EVERY_S = 24, 1800


def test_weeks_with_outages_lose_nothing_and_forget_what_is_too_old(tmp_path: Path) -> None:
    keep = Keeping(raw_s=3 * DAY_S, five_minutes_s=8 * DAY_S, hours_s=60 * DAY_S)
    lived = live(tmp_path, days=DAYS, every_s=EVERY_S, keep=keep)
    assert lived.sacrificed == 0
    assert lived.held == LASTING * DAYS * 86_400 // EVERY_S


def test_weeks_stay_within_a_cap_that_is_too_small_and_say_what_it_took(tmp_path: Path) -> None:
    cap_bytes = 150_000
    lived = live(tmp_path, days=DAYS, every_s=EVERY_S, keep=Keeping(cap_bytes=cap_bytes))
    assert lived.sacrificed > 0
    assert lived.used_bytes <= cap_bytes
    assert lived.largest_bytes <= cap_bytes * 1.5
    assert lived.held > 0
