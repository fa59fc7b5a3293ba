import math
import re

import influxdb_client
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.ids import CommunityId
from beket.kernel.metrics import Point
from collector.sinks.line_protocol import NS_PER_MS, spell

COMMUNITY = CommunityId("dolyna")
LABEL = st.text(st.characters(blacklist_categories=("C", "Z"), whitelist_characters=" "), min_size=1, max_size=20)
NAMES = st.from_regex(r"[a-z][a-z0-9]{0,5}(?:_[a-z0-9]{1,5}){1,3}", fullmatch=True)


def unescaped(text: str) -> str:
    return re.sub(r"\\([,= \\])", r"\1", text)


@given(NAMES, LABEL, st.integers(0, 2**50), st.floats(allow_nan=False, allow_infinity=False))
def test_a_line_means_the_sample_it_was_made_of(name: str, port: str, time_ms: int, value: float) -> None:
    (line,) = spell([Point(name, (("port", port),), time_ms * NS_PER_MS, value)], COMMUNITY)

    key, field, at = re.split(r"(?<!\\)(?:\\\\)* ", line) if not port.endswith("\\") else line.rsplit(" ", 2)
    measurement, community, tag = re.split(r"(?<!\\),", key, maxsplit=2)
    field_name, _, spelled = field.partition("=")
    assert f"{measurement}_{field_name}" == name
    assert community == "community=dolyna"
    assert unescaped(tag.removeprefix("port=")) == port
    assert (float(spelled), int(at)) == (value, time_ms)


@given(LABEL.filter(lambda text: "\\" not in text), st.floats(-1e15, 1e15))
def test_the_client_library_spells_the_same_where_it_is_right(port: str, value: float) -> None:
    point = influxdb_client.Point("port_up").tag("community", "dolyna").tag("port", port).field("ratio", value)
    theirs = point.time(1_700_000_000_000, "ms").to_line_protocol()
    (ours,) = spell([Point("port_up_ratio", (("port", port),), 1_700_000_000_000 * NS_PER_MS, value)], COMMUNITY)

    def parts(line: str) -> tuple[str, float, str]:
        head, field, at = line.rsplit(" ", 2)
        return f"{head} {field.partition('=')[0]}", float(field.partition("=")[2]), at

    assert parts(ours) == parts(theirs)


def test_what_is_no_number_and_what_is_empty_has_no_place_in_a_line() -> None:
    labels = (("site", "school"), ("reason", ""))
    points = [Point("a_b_total", labels, 0, value) for value in (math.nan, math.inf, -math.inf, 2.0)]
    assert spell(points, COMMUNITY) == ["a_b,community=dolyna,site=school total=2.0 0"]
