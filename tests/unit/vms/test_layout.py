import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.errors import InvalidArgument
from beket.kernel.ids import CameraId
from beket.kernel.units import TICKS_PER_S
from vms.recordings.layout import SEQUENCE_LIMIT, START_LIMIT_90K, SegmentKey, parse_file_name

keys = st.builds(
    SegmentKey,
    st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True).map(CameraId),
    st.integers(0, START_LIMIT_90K - 1),
    st.integers(0, SEQUENCE_LIMIT - 1),
)


@given(keys)
def test_a_name_gives_back_its_key(key: SegmentKey) -> None:
    assert parse_file_name(key.file_name) == key


@given(keys)
def test_a_segment_lies_in_the_utc_hour_of_its_start(key: SegmentKey) -> None:
    camera, day, hour = key.folder.split("/")
    moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(
        seconds=key.start_90k // TICKS_PER_S
    )
    assert (camera, day, hour) == (key.camera, f"{moment:%Y%m%d}".zfill(8), f"{moment:%H}")


@given(st.text(max_size=80) | st.from_regex(r"[a-z]{1,5}/\d{8}/\d\d/\d{1,22}-\d{1,22}\.mp4", fullmatch=True))
def test_any_other_text_is_refused_or_means_itself(text: str) -> None:
    try:
        key = parse_file_name(text)
    except InvalidArgument:
        return
    assert key.file_name == text


@pytest.mark.parametrize(
    "name",
    [
        "gate/20231114/22/153000000000000-7.mp4.part",
        "gate/20231114/23/153000000000000-7.mp4",
        "../20231114/22/153000000000000-7.mp4",
        "gate/20231114/22/0153000000000000-7.mp4",
        "gate/20231114/22/-153000000000000-7.mp4",
        "beket-disk.json",
    ],
)
def test_a_foreign_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_file_name(name)
