"""Owns reading bits out of NAL units: emulation prevention and Exp-Golomb (ITU-T H.264 §7.3.1, §9.1), bounded."""

from beket.kernel.errors import ProtocolError
from beket.kernel.text import say

_GOLOMB_MAX_ZEROS = 31  # values stay below 2^32 - 1


class BitReader:
    """Reads the raw byte sequence payload of a NAL unit, most significant bit first.

    Every read past the end raises ProtocolError, so a parser needs no checks of its own.
    """

    __slots__ = ("_at", "_length", "_value")

    def __init__(self, payload: bytes) -> None:
        raw = payload.replace(b"\0\0\3", b"\0\0")
        self._value = int.from_bytes(raw, "big")
        self._length = len(raw) * 8
        self._at = 0

    def bits(self, count: int) -> int:
        """The next `count` bits as an unsigned number: `u(n)`."""
        self._at += count
        if self._at > self._length:
            raise too_short()
        return self._value >> (self._length - self._at) & ((1 << count) - 1)

    def flag(self) -> bool:
        """The next bit: `u(1)`."""
        return self.bits(1) == 1

    def skip(self, count: int) -> None:
        """Pass over `count` bits."""
        self.bits(count)

    def unsigned(self) -> int:
        """The next Exp-Golomb number: `ue(v)`."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > _GOLOMB_MAX_ZEROS:
                raise too_short()
        return (1 << zeros) - 1 + self.bits(zeros)

    def signed(self) -> int:
        """The next signed Exp-Golomb number: `se(v)`."""
        code = self.unsigned()
        return (code + 1) // 2 if code & 1 else -(code // 2)


def too_short() -> ProtocolError:
    """A parameter set that ends before it has said what it must."""
    return ProtocolError(
        say("Камера описала відео незрозуміло.", "The camera's parameter set is cut short or broken."),
        hint=say(
            "Перезавантажте камеру; якщо не допоможе, оновіть її програму.",
            "Restart the camera; if that does not help, update its firmware.",
        ),
    )
