"""`beket vms`: look into a store of recordings from its machine: check it, make its lost index anew, look ahead.

Seeing pictures is not for the machine's account: that needs a person, a reason and the journal, so it is in the pages.
"""

import argparse
import datetime
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from beket.access.agent_key import AgentKey, load_enrolled
from beket.app.commands import arguments
from beket.app.commands.vms_disks import tell_disks
from beket.app.commands.vms_forecast import run_forecast
from beket.app.commands.vms_maintenance import add_maintenance, run_maintenance
from beket.app.config import AgentConfig, CentreConfig
from beket.app.terminal import Bar, tell
from beket.app.wiring.access import open_access
from beket.app.wiring.agent_side import AgentFiles
from beket.app.wiring.recordings import CENTRE, look_into_recordings, rebuild_recordings
from beket.kernel.clock import SystemClock
from beket.kernel.config import load
from beket.kernel.errors import DataLoss, InvalidArgument
from beket.kernel.ids import CameraId, CommunityId, SiteId, is_slug
from beket.kernel.text import Language, say
from beket.kernel.units import TICKS_PER_S
from vms.config import RecordingsConfig
from vms.recordings.chain_check import Trust, trust_any
from vms.recordings.check import check
from vms.recordings.findings import Finding, Place, Progress
from vms.recordings.rebuild import Rebuilt

EXAMPLE_PLACE = "gate/20261129"


@dataclass(frozen=True, slots=True)
class Recordings:
    """Whose store it is, and where."""

    config: RecordingsConfig
    database: Path
    community: CommunityId
    site: SiteId
    trusts: Trust

    @property
    def is_edge(self) -> bool:
        """Whether all that was recorded is to be here."""
        return self.site != CENTRE


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare `check` and `rebuild`."""
    arguments.add_config(parser, language, default="/etc/beket/centre.toml")
    parser.add_argument(
        "--agent", action="store_true", help=say("це файл агента, не центру", "it is an agent's file").to(language)
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="check|rebuild|disks|forecast|maintenance")
    verbs.add_parser(
        "forecast", help=say("на скільки днів вистачить місця", "for how many days there is room").to(language)
    )
    verbs.add_parser(
        "disks",
        help=say("які диски, скільки на них і чи працюють", "which disks, what they hold, do they serve").to(language),
    )
    add_maintenance(verbs, language)
    checking = verbs.add_parser(
        "check", help=say("чи всі записи цілі й підписані", "are all recordings whole and signed").to(language)
    )
    checking.add_argument(
        "--quick",
        action="store_true",
        help=say(
            "без читання всіх байтів: лише перелік, назви, розміри, ланцюг і підписи",
            "without reading every byte: index, names, sizes, chain and signatures only",
        ).to(language),
    )
    checking.add_argument("--camera", metavar="NAME", help=say("лише ця камера", "this camera alone").to(language))
    checking.add_argument(
        "--from",
        dest="begin",
        metavar=EXAMPLE_PLACE,
        help=say("продовжити з цього дня цієї камери", "go on from that day of that camera").to(language),
    )
    rebuilding = verbs.add_parser(
        "rebuild",
        help=say("скласти перелік записів наново з самих дисків", "make the index anew from the disks alone").to(
            language
        ),
    )
    for verb in (checking, rebuilding):
        verb.add_argument(
            "--rate",
            type=float,
            metavar="MB",
            help=say("не швидше, ніж стільки МБ/с", "no faster than so many MB/s").to(language),
        )


def run(parsed: argparse.Namespace) -> int:
    """Do what is asked; each finding is a line.

    Raises:
        DataLoss: checking, something is not as it was written.
        Busy: rebuilding, Beket is running here.
        InvalidArgument: `--from`, `--camera` or `--rate` make no sense.
    """
    if parsed.verb == "maintenance":
        return run_maintenance(parsed)
    if parsed.verb == "forecast":
        return run_forecast(parsed)
    if parsed.verb == "disks":
        its = _recordings_of(parsed)
        return tell_disks(its.config, database=its.database, community=its.community, site=its.site)
    return _check(parsed) if parsed.verb == "check" else _rebuild(parsed)


def _rebuild(parsed: argparse.Namespace) -> int:
    wait, recordings = pace_of(parsed.rate), _recordings_of(parsed)
    bar, findings, made = Bar(), 0, Rebuilt()
    rebuilding = rebuild_recordings(
        recordings.config,
        database=recordings.database,
        community=recordings.community,
        site=recordings.site,
        trusts=recordings.trusts,
    )
    with rebuilding as steps:
        for step in steps:
            if isinstance(step, Finding):
                findings += 1
                tell(step.sentence())
            else:
                made = step
                bar.show_parts(step.hours, step.total_hours, step.camera)
                wait(step.read_bytes)
    bar.end()
    tell(
        say(
            "Перелік складено: {n} записів (за печатками {signed}, прочитано {read}). Старий перелік збережено поруч.",
            "The index is made: {n} recordings ({signed} by their seals, {read} read). The old one is kept beside it.",
            n=made.signed + made.read,
            signed=made.signed,
            read=made.read,
        )
    )
    if made.absent:
        tell(
            say(
                "Підписаних записів, яких на дисках немає (стерті за строком або втрачені): {n}.",
                "Signed recordings that the disks do not have (deleted on purpose, or lost): {n}.",
                n=made.absent,
            )
        )
    if made.leftovers:
        tell(
            say(
                "Недописаних файлів: {n}; їх доведе до ладу наступний запуск.",
                "Files cut short: {n}; the next start makes them whole.",
                n=made.leftovers,
            )
        )
    if made.held is None:
        tell(
            say(
                "Заборон стирання поруч із записами немає, а стару базу не прочитати. Якщо були, поставте їх знову.",
                "No holds lie beside the recordings, and the old database cannot be read. Place them anew, if any.",
            )
        )
    if findings:
        tell(say("Не взято до переліку: {n}; файли лишилися.", "Not taken: {n}; the files stay.", n=findings))
    return 0


def _check(parsed: argparse.Namespace) -> int:
    begin, only = place_of(parsed.begin), camera_of(parsed.camera)
    wait = pace_of(parsed.rate)
    recordings = _recordings_of(parsed)
    with look_into_recordings(
        recordings.config, database=recordings.database, community=recordings.community, site=recordings.site
    ) as store:
        steps = check(
            store,
            rehash=not parsed.quick,
            trusts=recordings.trusts,
            is_complete=recordings.is_edge,
            begin=begin,
            only=only,
        )
        bar, faults, seen = Bar(), 0, Progress(0, 0, 0, begin)
        try:
            for step in steps:
                if isinstance(step, Finding):
                    faults += 1
                    tell(step.sentence())
                else:
                    seen = step
                    bar.show(step.size_bytes, step.total_bytes, spell_place(step.place))
                    if not parsed.quick:
                        wait(step.size_bytes)
        except KeyboardInterrupt:
            bar.end()
            place = spell_place(seen.place)
            tell(say("Спинено. Далі: --from {place}", "Stopped. To go on: --from {place}", place=place))
            raise
        bar.end()
    if faults:
        subject = str(recordings.config.folder)
        raise DataLoss(say("Знайдено пошкоджень: {n}.", "Faults found: {n}.", n=faults), subject=subject)
    tell(say("Усі записи цілі: {n}.", "All recordings are whole: {n}.", n=seen.segments))
    return 0


def pace_of(rate_mb_s: float | None) -> Callable[[int], None]:
    """What holds a reading back: called with the bytes read so far, it waits until they are not too many.

    Raises:
        InvalidArgument: the rate is not positive.
    """
    if rate_mb_s is None:
        return lambda _size_bytes: None
    if not rate_mb_s > 0:
        raise InvalidArgument(say("Швидкість має бути більша за нуль.", "The rate must be above zero."))
    return functools.partial(_wait_until, time.monotonic(), rate_mb_s * 1e6)


def place_of(text: str | None) -> Place:
    """Where to go on: a camera and a day, UTC.

    Raises:
        InvalidArgument: it is neither `camera` nor `camera/YYYYMMDD`.
    """
    camera, slash, day = (text or "").partition("/")
    if not text:
        return Place(CameraId(""))
    try:
        at = datetime.datetime.strptime(day, "%Y%m%d").replace(tzinfo=datetime.UTC) if slash else None
    except ValueError:
        at, camera = None, ""
    if not is_slug(camera):
        raise InvalidArgument(
            say("Тут має бути камера й день: {place}.", "A camera and a day belong here: {place}.", place=EXAMPLE_PLACE)
        )
    return Place(CameraId(camera), int(at.timestamp()) * TICKS_PER_S if at else 0)


def spell_place(place: Place) -> str:
    """The inverse of `place_of`, for the day that is being looked at."""
    if not place.camera:
        return ""
    return f"{place.camera}/{datetime.datetime.fromtimestamp(place.start_90k // TICKS_PER_S, datetime.UTC):%Y%m%d}"


def camera_of(name: str | None) -> CameraId | None:
    """The camera of that name.

    Raises:
        InvalidArgument: no camera can be called so.
    """
    if name is not None and not is_slug(name):
        raise InvalidArgument(say("Такої камери не буває: {name}.", "No camera is called so: {name}.", name=name[:80]))
    return CameraId(name) if name is not None else None


def _wait_until(began_s: float, bytes_per_s: float, size_bytes: int) -> None:
    time.sleep(max(0.0, began_s + size_bytes / bytes_per_s - time.monotonic()))


def _recordings_of(parsed: argparse.Namespace) -> Recordings:
    if parsed.agent:
        agent = load(parsed.config, AgentConfig)
        files = AgentFiles(agent.data)
        enrolled = load_enrolled(files.enrolled)
        ours = (enrolled.site, AgentKey.load_or_create(files.key).public)
        return Recordings(
            agent.recordings,
            agent.data / "video.db",
            enrolled.community,
            enrolled.site,
            lambda site, public_key: (site, public_key) == ours,
        )
    centre = load(parsed.config, CentreConfig)
    database = centre.data / "video.db"
    return Recordings(centre.recordings, database, CommunityId(centre.community.id), CENTRE, _enrolled_keys(centre))


def _enrolled_keys(centre: CentreConfig) -> Trust:
    """The keys of the agents that ever enrolled: also of one that was let go, for what it signed before."""
    if not (centre.data / "access.db").exists():
        return trust_any
    with open_access(centre, clock=SystemClock()) as access:
        keys = {(agent.site, agent.public_key) for agent in access.enrolment.agents()}
    return lambda site, public_key: (site, public_key) in keys
