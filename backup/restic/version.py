"""Owns what each release of restic can do, as one table: no other module compares versions.

Only rows that a decision reads (what is done alike for all releases needs none: a missing path is found by the paths of
the snapshot, a silent release by what its process does); each was seen with the real binary (0.14, 0.18, 0.19).
Note: backup/design/0009-restic-wrapper.md.
"""

import re
from dataclasses import dataclass

from beket.kernel.errors import ProtocolError
from beket.kernel.text import say

_VERSION = re.compile(r"\brestic (\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A release of restic."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


OLDEST = Version(0, 14)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the installed restic does; facts that are true of all supported releases are not here.

    Attributes:
        own_exit_codes: 10 no repository, 11 locked, 12 wrong password; without them the words must be read.
        cleans_lock_on_term: SIGTERM leaves no lock behind.
    """

    version: Version
    own_exit_codes: bool
    cleans_lock_on_term: bool


def capabilities_of(version: Version) -> Capabilities:
    """The row of `version`; a release newer than the table is taken for the newest known.

    Raises:
        ProtocolError: older than 0.14, which nobody has tried.
    """
    if version < OLDEST:
        raise ProtocolError(
            say("restic {version} застарий.", "restic {version} is too old.", version=version),
            hint=say("Потрібен {oldest} або новіший.", "{oldest} or newer is needed.", oldest=OLDEST),
        )
    return Capabilities(
        version=version,
        own_exit_codes=version >= Version(0, 17, 1),
        cleans_lock_on_term=version >= Version(0, 17),
    )


def parse_version(words: str) -> Version:
    """The version in what `restic version` prints.

    Example:
        >>> str(parse_version("restic 0.14.0 compiled with go1.19.8 on linux/amd64"))
        '0.14.0'

    Raises:
        ProtocolError: that is not restic speaking.
    """
    found = _VERSION.search(words[:1000])
    if not found:
        raise ProtocolError(
            say("Програма restic не назвала своєї версії.", "The program restic did not tell its version.")
        )
    return Version(int(found[1]), int(found[2]), int(found[3] or 0))
