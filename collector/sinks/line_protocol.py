"""Owns how samples are spelled in InfluxDB line protocol, so that PromQL over any engine sees the catalogue's names.

VictoriaMetrics and its kin name a series `<measurement>_<field>`; so the catalogue's name is split at its last
underscore: `device_up_ratio` is field `ratio` of measurement `device_up`. Tags are the metric's labels and `community`.
Sans-I/O. The client library's own spelling is not used: it adds a space after a label that ends in a backslash, which
makes it another series. Note: collector/design/0013-samples-out.md.
"""

import math
from collections.abc import Iterable

from beket.kernel.ids import CommunityId
from beket.kernel.metrics import Point

NS_PER_MS = 1_000_000
# Labels hold no line ends: what agents send is checked at the door (`collector.ingest`).
_ESCAPES = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\\": r"\\"})


def spell(points: Iterable[Point], community: CommunityId) -> list[str]:
    r"""One line a sample, precision milliseconds; what is not a finite number has no line.

    Example:
        >>> labels = (("site", "school"), ("port", "gi 0/1"))
        >>> spell([Point("port_up_ratio", labels, 1_700_000_000_000_000_000, 1.0)], CommunityId("dolyna"))
        ['port_up,community=dolyna,site=school,port=gi\\ 0/1 ratio=1.0 1700000000000']
    """
    return [_line(point, community) for point in points if math.isfinite(point.value)]


def _line(point: Point, community: CommunityId) -> str:
    measurement, _, field = point.name.rpartition("_")
    tags = "".join(f",{name}={value.translate(_ESCAPES)}" for name, value in point.labels if value)
    return f"{measurement},community={community}{tags} {field}={point.value!r} {point.wall_ns // NS_PER_MS}"
