"""`beket grant`: who may see which cameras, by which document, until when. Nothing listed reaches nothing."""

import argparse
import datetime

from beket.access.permit import Grant, Scope
from beket.access.roles import Action
from beket.app.commands import arguments
from beket.app.config import CentreConfig
from beket.app.machine import operator
from beket.app.terminal import tell
from beket.app.wiring.access import open_access
from beket.app.wiring.inventory import open_inventory
from beket.kernel.clock import SystemClock
from beket.kernel.config import load
from beket.kernel.errors import InvalidArgument, NotFound
from beket.kernel.ids import CameraId, SiteId
from beket.kernel.inventory import Inventory
from beket.kernel.text import Language, say


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare `add`, `list` and `revoke`."""
    arguments.add_config(parser, language, default="/etc/beket/centre.toml")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|list|revoke")
    add = verbs.add_parser("add", help=say("новий дозвіл", "a new grant").to(language))
    add.add_argument("login")
    add.add_argument("number", help=say("номер дозволу", "number of the grant").to(language))
    add.add_argument("--document", required=True, help=say("рішення чи наказ", "decision or order").to(language))
    add.add_argument("--purpose", required=True, help=say("для чого", "what for").to(language))
    add.add_argument("--until", required=True, metavar="YYYY-MM-DD", help=say("останній день", "last day").to(language))
    add.add_argument(
        "--action", action="append", required=True, choices=[action.value for action in Action], dest="actions"
    )
    add.add_argument("--camera", action="append", default=[], dest="cameras", metavar="ID")
    add.add_argument("--site", action="append", default=[], dest="sites", metavar="ID")
    add.add_argument(
        "--everywhere",
        action="store_true",
        help=say("усі камери, крім особливих", "all cameras but special ones").to(language),
    )
    add.add_argument(
        "--archive-days",
        type=int,
        default=0,
        metavar="N",
        help=say("як далеко в архів; 0 — лише наживо", "how far into the archive; 0 is live only").to(language),
    )
    listing = verbs.add_parser("list", help=say("дозволи користувача", "a user's grants").to(language))
    listing.add_argument("login")
    revoke = verbs.add_parser("revoke", help=say("скасувати дозвіл", "revoke a grant").to(language))
    revoke.add_argument("number")
    revoke.add_argument("--reason", required=True)


def run(parsed: argparse.Namespace) -> int:
    """Carry out one verb; each change is in the journal.

    Raises:
        NotFound: no such user, camera, site or grant.
        InvalidArgument: the grant could not mean what it says.
    """
    config, clock = load(parsed.config, CentreConfig), SystemClock()
    with open_access(config, clock=clock) as access:
        if parsed.verb == "revoke":
            access.users.revoke_grant(parsed.number, reason=parsed.reason, by=operator())
            tell(say("Скасовано: {number}.", "Revoked: {number}.", number=parsed.number))
            return 0
        user = access.users.find(parsed.login)
        if parsed.verb == "list":
            for grant in access.users.grants_of(user.id):
                tell(
                    f"{grant.number:16} {grant.until_at:%Y-%m-%d}  {', '.join(sorted(grant.actions))}  {grant.document}"
                )
            return 0
        with open_inventory(config, clock=clock) as inventory:
            scope = _scope(parsed, inventory.current())
        grant = Grant(
            number=parsed.number,
            actions=frozenset(Action(action) for action in parsed.actions),
            scope=scope,
            from_at=access.time.now_at(),
            until_at=_end_of(parsed.until),
            archive_days=parsed.archive_days,
            document=parsed.document,
            purpose=parsed.purpose,
        )
        access.users.grant(user.id, grant, by=operator())
        tell(
            say(
                "Дозвіл {number} діє до {until}.",
                "Grant {number} holds until {until}.",
                number=grant.number,
                until=parsed.until,
            )
        )
    return 0


def _scope(parsed: argparse.Namespace, inventory: Inventory) -> Scope:
    known = {camera.id for camera in inventory.cameras} | {site.id for site in inventory.sites}
    unknown = sorted(name for name in (*parsed.cameras, *parsed.sites) if name not in known)
    if unknown:
        raise NotFound(
            say("У переліку немає: {names}.", "The inventory has no: {names}.", names=", ".join(unknown)),
            hint=say("Перелік: beket inventory export yaml -", "The list: beket inventory export yaml -"),
        )
    return Scope(
        cameras=frozenset(CameraId(camera) for camera in parsed.cameras),
        sites=frozenset(SiteId(site) for site in parsed.sites),
        everywhere=parsed.everywhere,
    )


def _end_of(day: str) -> datetime.datetime:
    try:
        date = datetime.date.fromisoformat(day)
    except ValueError:
        raise InvalidArgument(
            say("«{day}» — не дата; приклад: 2026-12-31.", "“{day}” is no date; like 2026-12-31.", day=day[:40]),
            subject="--until",
        ) from None
    return datetime.datetime.combine(date, datetime.time(), datetime.UTC) + datetime.timedelta(days=1)
