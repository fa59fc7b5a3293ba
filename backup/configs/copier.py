"""Owns one look at one device: read its configuration, see that it is whole, compare, seal what changed.

Reads only. A first copy and one that has shrunk are read twice: what is kept was seen the same two times. Blocking.
"""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from backup.configs import text
from backup.configs.families import Asked, Family, family_named
from backup.configs.sealing import seal
from backup.configs.store import GOOD, ConfigStore, Copy, Look, LookOutcome
from beket.kernel.clock import Clock
from beket.kernel.errors import BeketError, Kind, ProtocolError, TimedOut, Unreachable
from beket.kernel.ids import DeviceId, SiteId, new_uuid
from beket.kernel.ports import Shells, ShellSession
from beket.kernel.secrets import Secret, read_secret_file, write_secret_file
from beket.kernel.text import Text, say

READ_WITHIN_S = 180.0
ASK_WITHIN_S = 30.0
ASKED_MAX_BYTES = 64 * 1024
WORDS_MAX_CHARS = 60
MARK_KEY_BYTES = 32
_OUTCOMES = {
    Kind.UNREACHABLE: LookOutcome.AWAY,
    Kind.TIMED_OUT: LookOutcome.AWAY,
    Kind.UNAUTHENTICATED: LookOutcome.REFUSED,
    Kind.FORBIDDEN: LookOutcome.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a device showed of itself."""

    full: str
    masked: str
    version: str
    who: str
    is_weak: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Copier:
    """Looks at the devices of one site.

    Attributes:
        public_key: the centre's, hex.
    """

    site: SiteId
    shells: Shells
    families: dict[str, Family]
    store: ConfigStore
    marks: text.Marks
    public_key: str
    clock: Clock

    def look(self, device: DeviceId, family_name: str) -> Look:
        """Look at `device` now; what went wrong is a look with a reason, never an exception of the device's."""
        before = self.store.look(self.site, device)
        newest = self.store.newest(self.site, device)
        good_ns = before.good_ns if before else None
        try:
            family = family_named(self.families, family_name)
            reading = self._read(device, family, newest)
        except BeketError as error:
            outcome = LookOutcome.NOT_WHOLE if isinstance(error, text.NotWhole) else _OUTCOMES.get(error.kind)
            look = Look(
                site=self.site,
                device=device,
                family=family_name,
                looked_ns=self.clock.wall_ns(),
                good_ns=good_ns,
                outcome=outcome or LookOutcome.FAILED,
                reason=error.sentence(),
                is_weak=before.is_weak if before else False,
            )
            self.store.keep_look(look)
            return look
        return self._keep(device, family, reading, newest, good_ns)

    def _keep(
        self, device: DeviceId, family: Family, reading: Reading, newest: Copy | None, good_ns: int | None
    ) -> Look:
        wall_ns = self.clock.wall_ns()
        if newest is None:
            outcome, words = LookOutcome.FIRST, say("Зроблено першу копію.", "The first copy is made.")
        elif newest.masked == reading.masked:
            outcome, words = LookOutcome.UNCHANGED, say("Нічого не змінилося.", "Nothing has changed.")
        else:
            outcome, words = LookOutcome.CHANGED, _changed_by(reading.who)
        look = Look(
            site=self.site,
            device=device,
            family=family.name,
            looked_ns=wall_ns,
            good_ns=wall_ns,
            outcome=outcome,
            reason=words,
            is_weak=reading.is_weak,
        )
        if outcome is LookOutcome.UNCHANGED:
            self.store.keep_look(look)
            return look
        copy = Copy(
            id=new_uuid(),
            site=self.site,
            device=device,
            taken_ns=wall_ns,
            since_ns=None if newest is None else (good_ns or newest.taken_ns),
            sealed_ns=wall_ns,
            family=family.name,
            version=reading.version,
            who=reading.who if newest is not None else "",
            masked=reading.masked,
            sealed=seal(reading.full, public_key=self.public_key, device=device, taken_ns=wall_ns),
        )
        self.store.keep_copy(copy, look)
        return look

    def _read(self, device: DeviceId, family: Family, newest: Copy | None) -> Reading:
        with self.shells.open(device) as session:
            full = _configuration(session, family, device)
            shown = self._shown(full, family, device)
            if newest is None or text.has_shrunk(shown, newest.masked):
                again = _configuration(session, family, device)
                if self._shown(again, family, device) != shown:
                    raise text.NotWhole(
                        say(
                            "Двічі прочитані налаштування різняться; копію не збережено.",
                            "The configuration read twice differs; no copy is kept.",
                        ),
                        subject=device,
                    )
            return Reading(
                full=full,
                masked=shown,
                version=_ask(session, family.file.version, full),
                who=_ask(session, family.file.who, full),
                is_weak=session.is_weak,
            )

    def _shown(self, full: str, family: Family, device: DeviceId) -> str:
        return text.masked(text.comparable(full, family), family, device=device, marks=self.marks)


def load_marks(path: Path) -> text.Marks:
    """The key of marks in `path`; a new one when there is none. Losing it costs one difference that is none. Blocking.

    Raises:
        InvalidConfig: others can read the file.
    """
    if not path.exists():
        write_secret_file(path, Secret(secrets.token_hex(MARK_KEY_BYTES)))
    return text.Marks(read_secret_file(path).reveal().encode())


def _configuration(session: ShellSession, family: Family, device: DeviceId) -> str:
    """What the first command that the device understands shows; whole.

    Raises:
        NotWhole: none of them showed a whole configuration.
    """
    for number, command in enumerate(family.file.configuration, 1):
        answer = session.run(command, within_s=READ_WITHIN_S, max_bytes=text.TEXT_MAX_BYTES)
        is_last = number == len(family.file.configuration)
        if is_last or not family.refused.search(answer[: 64 * 1024]):
            text.check_whole(answer, family, device=device)
            return answer
    raise AssertionError  # a family has at least one command


def _ask(session: ShellSession, asked: Asked | None, full: str) -> str:
    """What was asked beside the configuration; "" when the device does not tell. It never costs the copy."""
    if asked is None:
        return ""
    try:
        answer = session.run(asked.command, within_s=ASK_WITHIN_S, max_bytes=ASKED_MAX_BYTES) if asked.command else full
    except (ProtocolError, TimedOut, Unreachable):
        return ""
    found = re.search(asked.pattern, answer)
    return found["value"].strip()[:WORDS_MAX_CHARS] if found else ""


def _changed_by(who: str) -> Text:
    if who:
        return say(
            "Налаштування змінилися; останнім їх міняв «{who}».",
            "The configuration has changed; “{who}” was the last to change it.",
            who=who,
        )
    return say("Налаштування змінилися.", "The configuration has changed.")


def is_good(look: Look) -> bool:
    """Whether the look brought a whole configuration."""
    return look.outcome in GOOD
