"""Owns what may stand in an inventory: every mistake at once, one sentence each with its place and a hint.

Pure; the store asks it at the dry run and again inside the transaction that accepts. What is merely odd is a notice,
not a mistake. Note: collector/design/0005-inventory-tables-migrations.md.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence

from beket.kernel.config import Mistake
from beket.kernel.errors import InvalidArgument
from beket.kernel.ids import check_slug, is_slug, slug_from
from beket.kernel.inventory import HOURS_A_MONTH, Camera, Device, Inventory, Provider, Service, Site
from beket.kernel.service_address import ServiceKind, parse_service_address
from beket.kernel.shell_address import is_fingerprint, parse_shell_address
from beket.kernel.text import Text, counted, say
from collector.inventory.addresses import carries_credentials, wrong_address, wrong_stream_url
from collector.inventory.changes import THING_KINDS, Change, Thing, ThingKind, site_of, things
from collector.inventory.draft import MISTAKES_SAID, Place, dotted_place

RETENTION_MAX_DAYS = 365
SNMP_VERSIONS = ("off", "v1", "v2c", "v3")
# Rows of a table that the template explains itself with; they are never things.
TEMPLATE_MARKS = ("Приклад:", "Пояснення:")

_MAX_CHARS = {
    "expect": 200,
    "phone": 100,
    "contract": 200,
    "village": 100,
    "district": 100,
    "provider": 100,
    "address": 255,
    "url": 500,
    "sub_url": 500,
}
_TEXT_MAX_CHARS = {"name": 200, "purpose": 1000, "basis": 1000, **_MAX_CHARS}
_NEEDED = ("name", "village")
# Names that can only be a factory password written where the name of a secret belongs.
_PUBLIC_SECRETS = frozenset(
    {"public", "private", "admin", "root", "user", "guest", "password", "passwd", "default", "cisco", "ubnt"}
    | {"1234", "12345", "123456", "12345678", "666666", "888888", "admin123", "admin12345", "qwerty"}
)

Identities = Mapping[tuple[ThingKind, str], str]


def find_mistakes(
    new: Inventory, base: Inventory, identities: Identities, *, place: Place = dotted_place
) -> list[Mistake]:
    """Everything that forbids `new` to follow `base`, in the order of its lists.

    Args:
        new: tidied, its lists in the order that `place` counts them.
        base: the version in force.
        identities: the site ("" for a site itself) of every id ever given.
        place: where to send the author for a kind, an index and a field.
    """
    mistakes = list(_of_community(new, base, place))
    known_sites: set[str] = {site.id for site in new.sites}
    hints: dict[str, str] = {spelling: site.id for site in new.sites for spelling in (site.id, site.name)}
    for kind in THING_KINDS:
        first_at: dict[str, int] = {}
        for index, thing in enumerate(things(new, kind)):
            if len(mistakes) > MISTAKES_SAID:
                hints.clear()  # nobody reads that far, and looking for likely sites takes its time
            check = _Row(kind, index, place)
            mistakes += _of_identity(thing, check, first_at, identities)
            mistakes += _of_texts(thing, check)
            if not isinstance(thing, Site | Provider):
                mistakes += _of_site_reference(thing, check, base, known_sites, hints)
                mistakes += _of_secret(thing, check)
            if isinstance(thing, Device):
                mistakes += _of_device(thing, check)
            if isinstance(thing, Camera):
                mistakes += _of_camera(thing, check)
            if isinstance(thing, Service):
                mistakes += _of_service(thing, check)
            if isinstance(thing, Provider):
                mistakes += _of_provider(thing, check)
    return mistakes


def find_oddities(changes: Sequence[Change], new: Inventory) -> list[Text]:
    """What is allowed but worth a look among the things that `changes` add or alter."""
    touched = {(change.kind, change.id) for change in changes if change.after is not None}
    cameras = [camera for camera in new.cameras if (ThingKind.CAMERA, camera.id) in touched]
    devices = [device for device in new.devices if (ThingKind.DEVICE, device.id) in touched]
    notices = []
    if silent := [camera.id for camera in cameras if not camera.may_record()]:
        notices.append(
            say(
                "{count} без запису, бо немає призначення, підстави, строку або класу доступу: {ids}.",
                "{n} will not record without purpose, basis, retention and class: {ids}.",
                count=counted(len(silent), "камера", "камери", "камер"),
                n=len(silent),
                ids=_list(silent),
            )
        )
    if public := [device.id for device in devices if device.snmp in ("v1", "v2c") and not device.secret]:
        notices.append(
            say(
                "SNMP із загальновідомим паролем public: {ids}. Задайте свій і впишіть назву секрету.",
                "SNMP with the well-known community public: {ids}. Set your own and name its secret.",
                ids=_list(public),
            )
        )
    notices += _shared({c.url for c in cameras}, [(c.url, c.id) for c in new.cameras])
    notices += _shared({d.address for d in devices}, [(d.address, d.id) for d in new.devices])
    return notices


class _Row:
    """One thing under check: makes mistakes with the right place."""

    def __init__(self, kind: ThingKind, index: int, place: Place) -> None:
        self.kind = kind
        self.index = index
        self._place = place

    def at(self, field: str, index: int | None = None) -> str:
        return self._place(self.kind, self.index if index is None else index, field)

    def mistake(self, field: str, what: Text, hint: Text | None = None) -> Mistake:
        return Mistake(self.at(field), what, hint)


def _of_community(new: Inventory, base: Inventory, place: Place) -> Iterator[Mistake]:
    check = _Row(ThingKind.COMMUNITY, 0, place)
    if new.community.id != base.community.id:
        yield check.mistake(
            "id",
            say(
                "Це опис громади «{theirs}», а тут громада «{ours}».",
                "This describes the community “{theirs}”, but this is “{ours}”.",
                theirs=new.community.id[:60],
                ours=base.community.id,
            ),
        )
    if not new.community.name:
        yield check.mistake("name", say("Немає назви громади.", "The community's name is missing."))


def _of_identity(thing: Thing, check: _Row, first_at: dict[str, int], identities: Identities) -> Iterator[Mistake]:
    if not thing.id and not thing.name:
        return  # the missing name is said, and an id would have come from it
    if not thing.id:
        hint = say("Підійде «{slug}».", "“{slug}” would do.", slug=slug_from(thing.name))
        yield check.mistake("id", say("Немає ідентифікатора.", "The id is missing."), hint)
        return
    if not is_slug(thing.id):
        try:
            check_slug(thing.id, place="")
        except InvalidArgument as error:
            yield check.mistake("id", error.message, error.hint)
        return
    if thing.id in first_at:
        yield check.mistake(
            "id",
            say(
                "Ідентифікатор «{id}» уже є: {first}.",
                "The id “{id}” is taken: {first}.",
                id=thing.id,
                first=check.at("id", first_at[thing.id]),
            ),
            say("Дайте інший.", "Choose another."),
        )
        return
    first_at[thing.id] = check.index
    owner = identities.get((check.kind, thing.id))
    if owner is not None and owner != site_of(thing):
        yield check.mistake(
            "id",
            say(
                "Ідентифікатор «{id}» уже належав речі на об'єкті «{site}»; записи й графіки під ним лишаються її.",
                "The id “{id}” belonged to a thing at site “{site}”; recordings and graphs under it stay its own.",
                id=thing.id,
                site=owner,
            ),
            say("На новому об'єкті дайте новий ідентифікатор.", "Give a new id at the new site."),
        )


def _of_texts(thing: Thing, check: _Row) -> Iterator[Mistake]:
    for field, max_chars in _TEXT_MAX_CHARS.items():
        value = getattr(thing, field, None)
        if isinstance(value, str) and len(value) > max_chars:
            yield check.mistake(
                field, say("Задовго: найбільше {n} знаків.", "Too long: {n} characters at most.", n=max_chars)
            )
        if value == "" and field in _NEEDED:
            yield check.mistake(field, say("Це треба заповнити.", "This must be filled in."))
    if thing.name.startswith(TEMPLATE_MARKS):
        yield check.mistake(
            "name",
            say(
                "Так починаються рядки-підказки шаблону; вони не додаються.",
                "The template's explaining rows begin like this; they are never added.",
            ),
            say("Впишіть справжню назву.", "Write the real name."),
        )


def _of_site_reference(
    thing: Device | Camera | Service, check: _Row, base: Inventory, known_sites: set[str], hints: Mapping[str, str]
) -> Iterator[Mistake]:
    if thing.site in known_sites:
        return
    if not thing.site:
        yield check.mistake("site", say("Не вказано об'єкт.", "The site is missing."))
        return
    if any(site.id == thing.site for site in base.sites):
        yield check.mistake(
            "site",
            say(
                "Об'єкт «{site}» вилучається, а це лишається на ньому.",
                "Site “{site}” is being removed, yet this stays at it.",
                site=thing.site,
            ),
            say("Вилучіть і це або залиште об'єкт.", "Remove this too, or keep the site."),
        )
        return
    yield check.mistake(
        "site",
        say("Об'єкта «{site}» немає.", "There is no site “{site}”.", site=thing.site[:60]),
        did_you_mean(thing.site, hints),
    )


def _of_secret(thing: Device | Camera | Service, check: _Row) -> Iterator[Mistake]:
    # The value itself is never repeated: it may be a password in the wrong column.
    write_name = say(
        "Впишіть назву секрету, а сам пароль збережіть окремо.", "Write the secret's name, never its value."
    )
    for field in ("secret", "shell_secret"):
        named: str = getattr(thing, field, "")
        if named and not is_slug(named):
            yield check.mistake(
                field,
                say(
                    "Це не назва секрету: дозволено a-z, 0-9 і дефіс.",
                    "This is not the name of a secret: a-z, 0-9 and dashes only.",
                ),
                write_name,
            )
        elif named in _PUBLIC_SECRETS:
            yield check.mistake(field, say("Це загальновідомий пароль.", "This is a well-known password."), write_name)


def _of_device(device: Device, check: _Row) -> Iterator[Mistake]:
    if what := wrong_address(device.address):
        yield check.mistake("address", what)
    if device.snmp not in SNMP_VERSIONS:
        yield check.mistake(
            "snmp",
            say("Має бути одне з: {all}.", "It must be one of: {all}.", all=", ".join(SNMP_VERSIONS)),
        )
    if device.snmp == "v3" and not device.secret:
        yield check.mistake(
            "secret",
            say(
                "Для SNMPv3 потрібна назва секрету з користувачем.", "SNMPv3 needs the name of a secret with its user."
            ),
        )
    yield from _of_shell(device, check)


def _of_shell(device: Device, check: _Row) -> Iterator[Mistake]:
    if device.shell:
        try:
            parse_shell_address(device.shell)
        except InvalidArgument as error:
            yield check.mistake("shell", error.message, error.hint)
        if not device.shell_secret:
            yield check.mistake(
                "shell_secret",
                say("Щоб зайти, потрібна назва секрету.", "Logging in takes the name of a secret."),
            )
    if device.host_key and not is_fingerprint(device.host_key):
        yield check.mistake(
            "host_key",
            say("Це не відбиток ключа SSH: потрібно SHA256:…", "This is no SSH fingerprint: SHA256:… is needed."),
        )


def _of_service(service: Service, check: _Row) -> Iterator[Mistake]:
    try:
        kind = parse_service_address(service.address).kind
    except InvalidArgument as error:
        yield check.mistake("address", error.message, error.hint)
    else:
        if kind is ServiceKind.MAIL and not service.secret:
            yield check.mistake(
                "secret",
                say("Щоб прочитати скриньку, потрібна назва секрету.", "A mailbox is read with the secret named here."),
            )


def _of_camera(camera: Camera, check: _Row) -> Iterator[Mistake]:
    for field, url in (("url", camera.url), ("sub_url", camera.sub_url)):
        if carries_credentials(url):
            yield check.mistake(
                field,
                say("В адресі потоку є логін або пароль.", "The stream's address has a login or a password in it."),
                say(
                    "Збережіть «логін:пароль» як секрет і впишіть його назву в поле секрету.",
                    "Keep “login:password” as a secret and write its name in the secret's field.",
                ),
            )
        elif (url or field == "url") and (what := wrong_stream_url(url)):
            yield check.mistake(field, what)
    if not 0 <= camera.retention_days <= RETENTION_MAX_DAYS:
        yield check.mistake(
            "retention_days",
            say(
                "Строк зберігання має бути від 1 до {most} днів, 0 — не визначено.",
                "Retention must be 1 to {most} days, 0 for undecided.",
                most=RETENTION_MAX_DAYS,
            ),
        )


def _of_provider(provider: Provider, check: _Row) -> Iterator[Mistake]:
    if not 0 <= provider.down_hours_max <= HOURS_A_MONTH:
        yield check.mistake(
            "down_hours_max",
            say(
                "Простій має бути від 1 до {most} годин на місяць, 0 — не сказано.",
                "Downtime must be 1 to {most} hours a month, 0 for not said.",
                most=HOURS_A_MONTH,
            ),
        )


def did_you_mean(written: str, choices: Mapping[str, str]) -> Text | None:
    """A hint with the choice nearest to what was written; `choices` maps each spelling to what to write."""
    folded = {spelling.casefold(): value for spelling, value in choices.items()}
    near = difflib.get_close_matches(written[:100].casefold(), folded, n=1, cutoff=0.6)
    return say("Можливо, «{near}»?", "Did you mean “{near}”?", near=folded[near[0]]) if near else None


def _shared(touched: set[str], uses: Sequence[tuple[str, str]]) -> Iterator[Text]:
    users: dict[str, list[str]] = {}
    for address, thing_id in uses:
        users.setdefault(address, []).append(thing_id)
    for address in sorted(touched):
        if len(users[address]) > 1:
            yield say(
                "Одна адреса {address} у кількох: {ids}.",
                "Several share the address {address}: {ids}.",
                address=address,
                ids=_list(users[address]),
            )


def _list(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:10])
    return shown if len(ids) <= 10 else f"{shown}, … ({len(ids)})"
