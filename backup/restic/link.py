"""Owns how restic is told to use a line: the size of a pack, how many go at once, how fast. Pure.

restic's unit of retry is a whole pack; what is cut short is sent again from its first byte. So the packs under way must
get through between two breaks of the line: small ones, one at a time, over a poor one.
Note: backup/design/0050-thin-links.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from beket.kernel.units import KIB, MIB

# A run that carried less says more about the machine than about the line.
MEASURED_BYTES_MIN = 8 * MIB
MEASURED_S_MIN = 1.0
SEEN_RUNS = 5
LIMIT_BYTES_MIN = 8 * KIB


@dataclass(frozen=True, slots=True)
class LinkProfile:
    """One way to use a line.

    Attributes:
        from_bytes_per_s: an uplink that carries so much may use it: what is under way is through in about five seconds.
    """

    name: str
    pack_mib: int
    connections: int
    from_bytes_per_s: float


POOR = LinkProfile("poor", 4, 1, 0)
FAIR = LinkProfile("fair", 8, 2, 3 * MIB)
GOOD = LinkProfile("good", 16, 5, 16 * MIB)
PROFILES = (POOR, FAIR, GOOD)


@dataclass(frozen=True, slots=True)
class Link:
    """A line to a repository as it is now.

    Attributes:
        limit_bytes_per_s: what backups may take of the site's line; None when nobody set a limit.
    """

    profile: LinkProfile = POOR
    limit_bytes_per_s: float | None = None

    def words(self) -> tuple[str, ...]:
        """The same as restic's arguments."""
        profile = self.profile
        words = ("--pack-size", str(profile.pack_mib), "-o", f"rest.connections={profile.connections}")
        if self.limit_bytes_per_s is None:
            return words
        # restic counts in KiB/s; 0 would mean no limit.
        return (*words, "--limit-upload", str(int(max(self.limit_bytes_per_s, LIMIT_BYTES_MIN) / KIB)))


@dataclass(frozen=True, slots=True)
class Carried:
    """What one run brought over the line. `broke`: it ended because the line did."""

    size_bytes: int
    duration_s: float
    broke: bool = False

    @property
    def bytes_per_s(self) -> float:
        """At least so much the line bore: reading and hashing took a part of the time."""
        return self.size_bytes / self.duration_s


def uplink_of(newest_first: Sequence[Carried]) -> float | None:
    """Bytes a second that the line has borne lately; None when no run tells.

    The best of the last few runs that carried enough to tell: a run is slow for many reasons, but never faster than its
    line.
    """
    telling = [run for run in newest_first if run.size_bytes >= MEASURED_BYTES_MIN and run.duration_s >= MEASURED_S_MIN]
    return max((run.bytes_per_s for run in telling[:SEEN_RUNS]), default=None)


def profile_of(newest_first: Sequence[Carried]) -> LinkProfile:
    """The profile for the next run: by the measured uplink, poor while nothing is known or after the line broke."""
    uplink = uplink_of(newest_first)
    if uplink is None or newest_first[0].broke:
        return POOR
    return max((one for one in PROFILES if uplink >= one.from_bytes_per_s), key=lambda one: one.from_bytes_per_s)
