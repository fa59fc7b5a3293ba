"""Owns password hashes that cost a test nothing: argon2id as everywhere, with its smallest parameters."""

from beket.access.passwords import Passwords


def quick_passwords() -> Passwords:
    """For an `AccessStore` whose people log in, where the price of a guess is not what is shown."""
    return Passwords(time_cost=1, memory_kib=8, lanes=1)
