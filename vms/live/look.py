"""Owns what a door to live pictures asks of whoever decides: a look that was allowed, is still allowed, and ends."""

from typing import Protocol

# How soon a withdrawn grant, a closed account or a log-out ends a look that goes on.
CHECK_EVERY_S = 15


class Look(Protocol):
    """One look at one camera; it is in the journal before anybody holds this. Blocking calls."""

    def check(self) -> None:
        """Ask again.

        Raises:
            Forbidden, Unauthenticated, NotFound: no longer; the sentence says why.
        """

    def end(self) -> None:
        """Write the end into the journal; once."""
