"""Owns what checking a store can say: how far it has come, and one sentence for each thing that is wrong."""

from dataclasses import dataclass
from enum import StrEnum

from beket.kernel.ids import CameraId
from beket.kernel.text import Text, say


class Fault(StrEnum):
    """What can be wrong with one file, or with one seal."""

    MISSING = "missing"
    SIZE = "size"
    HASH = "hash"
    IDENTITY = "identity"
    STRUCTURE = "structure"
    UNREADABLE = "unreadable"
    AWAY = "away"
    STRAY = "stray"
    DOUBLE = "double"
    ALTERED = "altered"
    REPLACED = "replaced"
    LOST = "lost"
    HOLE = "hole"
    UNSIGNED = "unsigned"
    FORGED_SEAL = "forged-seal"
    STRANGE_SEAL = "strange-seal"
    LOST_SEAL = "lost-seal"
    MOVED_SEAL = "moved-seal"


_SENTENCES = {
    Fault.MISSING: say("файла немає, хоча він є в переліку", "the file is missing, though it is in the index"),
    Fault.SIZE: say("розмір файла не той, що в переліку", "the file's size is not the one in the index"),
    Fault.HASH: say("вміст файла змінився: контрольна сума не збігається", "the file has changed: its hash differs"),
    Fault.IDENTITY: say("файл належить іншій камері чи часу", "the file says that it is another segment"),
    Fault.STRUCTURE: say("відео у файлі пошкоджене", "the video in the file is damaged"),
    Fault.AWAY: say("диск із файлом не під'єднано", "the disk with the file is not attached"),
    Fault.UNREADABLE: say("диск не віддає файл", "the disk does not give the file"),
    Fault.STRAY: say("файл є на диску, але його немає в переліку", "the file is on the disk but not in the index"),
    Fault.DOUBLE: say("цей запис є й на іншому диску", "the same recording is on another disk as well"),
    Fault.ALTERED: say("це не той запис, який підписав об'єкт", "this is not the recording that the site has signed"),
    Fault.REPLACED: say(
        "це не той запис, до якого прив'язано наступний", "this is not the recording that the next one is chained to"
    ),
    Fault.LOST: say(
        "запис був, але його немає ні в переліку, ні серед стертих за строком",
        "was recorded, but is neither in the index nor among what was deleted on purpose",
    ),
    Fault.HOLE: say(
        "перед цим записом був інший, і його зникнення нічим не пояснено",
        "another recording came before this one, and nothing explains where it went",
    ),
    Fault.UNSIGNED: say(
        "запису немає в жодній печатці, хоча сусідні підписано",
        "no seal names this recording, though its neighbours are",
    ),
    Fault.FORGED_SEAL: say("підпис печатки не сходиться", "the seal's signature does not hold"),
    Fault.STRANGE_SEAL: say("печатку поставлено чужим ключем", "the seal was made with a key that is not the site's"),
    Fault.LOST_SEAL: say("печатки немає в реєстрі", "the seal is missing from the ledger"),
    Fault.MOVED_SEAL: say("печатка не на своєму місці в реєстрі", "the seal does not follow the one before it"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong, with the file's name on the disk; a seal is `beket.ledger/<camera>#<number>`."""

    name: str
    fault: Fault

    def sentence(self) -> Text:
        """The finding as one sentence."""
        # A hostile name must neither steer the terminal nor fail to be printed.
        name = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in self.name)
        return say("{name}: {what}.", "{name}: {what}.", name=name, what=_SENTENCES[self.fault])


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the store a check is, and where it can go on: everything before was looked at."""

    camera: CameraId
    start_90k: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the check has come; totals are as they were when it began."""

    segments: int
    size_bytes: int
    total_bytes: int
    place: Place
