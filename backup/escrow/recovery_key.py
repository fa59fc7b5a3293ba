"""Owns how a recovery key is spelt on paper and read back from a person's typing; pure but for making one.

Eight groups of five: four signs of 20 random bits and a check sign, so that a slip is told with its group. The signs
are Crockford's base 32: no I, L, O, U. The whole spelling, dashes too, is the password: it opens the repository by
bare restic as well. Note: backup/design/0056-repository-service.md.
"""

import secrets

from beket.kernel.errors import InvalidArgument
from beket.kernel.secrets import Secret
from beket.kernel.text import say

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUPS = 8
GROUP_SIGNS = 4
# Odd, so that any one wrong sign changes the check; the number of the group adds its own, against swapped groups.
_WEIGHTS = (1, 3, 5, 7)
_GROUP_WEIGHT = 11
_TAKEN_FOR = str.maketrans("OILАВСЕНКМОРТХ", "011ABCEHKM0PTX")


def new_recovery_key() -> Secret:
    """160 random bits, as they are printed."""
    groups = ["".join(secrets.choice(SIGNS) for _ in range(GROUP_SIGNS)) for _ in range(GROUPS)]
    return Secret("-".join(group + _check_sign(number, group) for number, group in enumerate(groups)))


def read_recovery_key(typed: str) -> Secret:
    """The key that somebody typed from the sheet: with or without dashes, small or Cyrillic letters.

    Raises:
        InvalidArgument: it is none; the sentence says which group to look at again.
    """
    signs = "".join(sign for sign in typed.upper().translate(_TAKEN_FOR) if sign not in "-–—. \t\r\n")
    length = GROUP_SIGNS + 1
    groups = [signs[start : start + length] for start in range(0, len(signs), length)]
    for number, group in enumerate(groups[:GROUPS]):
        is_whole = len(group) == length and all(sign in SIGNS for sign in group)
        if not is_whole or _check_sign(number, group[:-1]) != group[-1]:
            raise InvalidArgument(
                say(
                    "У групі {n} помилка. Звірте її з аркушем.",
                    "Group {n} is wrong. Compare it with the sheet.",
                    n=number + 1,
                )
            )
    if len(groups) != GROUPS:
        raise InvalidArgument(
            say(
                "На аркуші {all} груп по п'ять знаків, а набрано {n}.",
                "The sheet has {all} groups of five signs; {n} were typed.",
                all=GROUPS,
                n=len(groups),
            )
        )
    return Secret("-".join(groups))


def _check_sign(number: int, group: str) -> str:
    total = sum(weight * SIGNS.index(sign) for weight, sign in zip(_WEIGHTS, group, strict=True))
    return SIGNS[(total + _GROUP_WEIGHT * number) % len(SIGNS)]
