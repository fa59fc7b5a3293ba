"""Two years of samples: the file stays within its cap, and all of the time is still on the graph."""

from pathlib import Path

import pytest

from collector.store.keeping import Keeping
from tests.sample_years import LASTING, live

pytestmark = pytest.mark.torture

DAYS, EVERY_S = 730, 300


@pytest.mark.parametrize("cap_bytes", [10**9, 2_500_000])
def test_two_years_stay_within_the_cap_and_lose_no_day(tmp_path: Path, cap_bytes: int) -> None:
    lived = live(tmp_path, days=DAYS, every_s=EVERY_S, keep=Keeping(cap_bytes=cap_bytes))
    assert lived.used_bytes <= cap_bytes
    assert lived.largest_bytes <= 1.2 * cap_bytes
    assert (lived.sacrificed > 0) == (cap_bytes < 10**9)
    # In some form all of the time is there: the cap took samples and five minutes, and no hour.
    assert lived.held == LASTING * DAYS * 86_400 // EVERY_S
    assert lived.series < LASTING + DAYS / 10 + 2
