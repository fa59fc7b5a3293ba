"""Owns the act of a restore drill as people read it: one sheet of A4, and the same as data. Pure.

«Акт перевірки відновлення з резервної копії» goes into a folder beside other acts of the council and is read by an
auditor who has never heard of restic: what was tried, how, what came of it, in how long all would be back, and two
lines to sign. It needs nothing but itself. Note: backup/design/0052-drills.md.
"""

import base64
import hashlib
import html
from collections.abc import Iterable
from zoneinfo import ZoneInfo

import msgspec

from backup.acts.record import Act, KeyUsed, Loaded, Piece, Record, Verdict, Why
from beket.kernel.clock import utc
from beket.kernel.text import Text, counted, say
from beket.kernel.units import spell_bytes

KYIV = ZoneInfo("Europe/Kyiv")
# A sheet has room for so many rows; the data has them all.
ROWS_SHOWN = 8
_WHY = {
    Why.CANARY: "канарка",
    Why.LARGEST: "найбільший",
    Why.DATABASE: "база даних",
    Why.SAMPLE: "випадковий",
}
_VERDICT = {
    Verdict.PROVEN: "ВІДНОВЛЕННЯ ПІДТВЕРДЖЕНО",
    Verdict.WRONG: "ВІДНОВЛЕННЯ НЕ ПІДТВЕРДЖЕНО",
    Verdict.COULD_NOT_RUN: "ПЕРЕВІРКУ НЕ ПРОВЕДЕНО",
}
_KEY = {KeyUsed.HOST: "робочим ключем комп'ютера", KeyUsed.RECOVERY: "ключем відновлення з паперового аркуша"}
_DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

_STYLE = """
@page { size: A4; margin: 11mm 14mm }
* { box-sizing: border-box }
body { font: 10pt/1.3 "DejaVu Sans", "Liberation Sans", sans-serif; color: #000; background: #fff }
body { max-width: 182mm; margin: 8mm auto; padding: 0 4mm }
h1 { font-size: 15pt; text-align: center; margin: 1mm 0; text-wrap: balance }
h2 { font-size: 11pt; margin: 3mm 0 0.6mm; break-after: avoid }
p { margin: 1mm 0 } .middle { text-align: center }
table { border-collapse: collapse; width: 100% } td, th { vertical-align: top; text-align: left; padding: 0.35mm 2mm }
.facts td:first-child { width: 46mm; color: #333 } .facts td { padding-left: 0 }
.files th, .files td { border: 0.2mm solid #777; font-size: 8.5pt; line-height: 1.2; padding: 0.35mm 1.2mm }
.files td:nth-child(n+2) { white-space: nowrap } .files th { background: #eee }
.files tr { break-inside: avoid }
.path { overflow-wrap: anywhere } .hash { font: 6.5pt/1.2 "DejaVu Sans Mono", monospace }
.files td.hash { word-break: break-all; width: 62mm; white-space: normal }
.verdict { border: 0.7mm solid #000; padding: 1.8mm 4mm; margin: 2mm 0; break-inside: avoid }
.verdict b { font-size: 13pt } .wrong { border-width: 1.4mm; border-style: double }
.sign { margin: 2mm 0; break-inside: avoid } .sign td { padding: 4mm 0 0; width: 50%; white-space: nowrap }
.sign i { display: inline-block; border-bottom: 0.2mm solid #000; width: 44mm } small { font-size: 7.5pt; color: #333 }
.print { border: 0.3mm solid #888; padding: 3mm; margin-bottom: 5mm } .print a { margin-right: 6mm }
@media print { .print { display: none } body { margin: 0; padding: 0 } }
@media screen { .print a { display: inline-block; padding: 3mm 0; min-height: 44px } }
@media screen and (max-width: 48rem) {
  body { font-size: 12pt; margin: 3mm auto } .facts td, .sign td { display: block; width: auto; white-space: normal }
  .files thead { display: none } .files tr { display: block; margin-bottom: 3mm }
  .files td, .files td.hash { display: block; width: auto; white-space: normal; font-size: 11pt }
  .files td.hash { font-size: 8pt } .files td:last-child::before { content: "збіг: " }
}
"""


def style_hash() -> str:
    """What a Content-Security-Policy names the page's own style by, so that no other is let in."""
    digest = hashlib.sha256(_STYLE.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def act_of(record: Record, *, community: str, place: str) -> Act:
    """The act of a record; `community` and `place` as the inventory calls them."""
    return Act(
        record=record,
        number=record.name,
        community=community,
        place=place,
        wrong=record.wrong,
        restored_bytes=record.restored_bytes,
        speed_bytes_per_s=record.speed,
        rto_s=record.rto_s,
        conclusion_uk=conclusion(record).uk,
    )


def as_data(act: Act) -> bytes:
    """The act as JSON, indented, for programs and for whoever wants to check it by hand."""
    return msgspec.json.format(msgspec.json.encode(act), indent=2) + b"\n"


def conclusion(record: Record) -> Text:
    """What follows from the drill, in a sentence or two."""
    if record.verdict is Verdict.PROVEN:
        return say(
            "Відновлення працює: перевірено {n}, усе збіглося; на всю копію піде {rto}.",
            "Restoring works: {files} files were tried, all are the same; the whole copy would take {rto}.",
            n=counted(len(record.pieces), "файл", "файли", "файлів"),
            files=len(record.pieces),
            rto=spell_span(record.rto_s),
        )
    why = Text("{uk}", "{en}", {"uk": record.reason_uk, "en": record.reason_en})
    if record.verdict is Verdict.WRONG:
        return say("На цю копію покладатися не можна. {why}", "This copy is not to be relied upon. {why}", why=why)
    return say("Про копію ця перевірка не каже нічого. {why}", "This drill says nothing of the copy. {why}", why=why)


def spell_span(seconds: float | None) -> Text:
    """A span as people say it, never shorter than a minute: nobody plans by seconds."""
    if seconds is None:
        return say("невідомо скільки", "an unknown time")
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return say("близько {n} хв", "about {n} min", n=minutes)
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return say("близько {h} год {m} хв", "about {h} h {m} min", h=hours, m=rest)
    return say("близько {d} діб", "about {d} days", d=round(hours / 24))


def render(act: Act, *, back: str = "", data: str = "") -> str:
    """The act as a page of HTML. `back` and `data`: addresses of the page before it and of the data, "" for none."""
    record = act.record
    is_wrong = " wrong" if record.verdict is not Verdict.PROVEN else ""
    place = ", ".join(words for words in (act.place, act.community) if words)
    return f"""<!DOCTYPE html>
<html lang="uk"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Акт № {_e(act.number)}</title><style>{_STYLE}</style></head><body>
{_buttons(back, data)}
<h1>АКТ № {_e(act.number)}<br>перевірки відновлення з резервної копії</h1>
<p class="middle">{_e(place)} &nbsp;·&nbsp; {_moment(record.ended_ns)}</p>
<h2>1. Що перевірено</h2>
<table class="facts">{_facts(_what(record))}</table>
<h2>2. Як перевірено</h2>
<p>{_how(record)}</p>
<table class="files"><thead><tr><th>Файл</th><th>Чому він</th><th>Розмір</th><th>SHA-256</th><th>Збіг</th></tr></thead>
<tbody>{_rows(record.pieces)}</tbody></table>
{_rest(record.pieces)}{_databases(record.databases)}
<h2>3. Скільки часу піде на відновлення</h2>
<table class="facts">{_facts(_speed(record))}</table>
<h2>4. Висновок</h2>
<div class="verdict{is_wrong}"><b>{_VERDICT[record.verdict]}</b><br>{_e(conclusion(record).uk)}</div>
<p>Наступна перевірка — {_e(_next(record))}.</p>
<table class="sign"><tr><td>Відповідальний за ІТ <i>&nbsp;</i></td><td>Керівник установи <i>&nbsp;</i></td></tr>
<tr><td>Дата <i>&nbsp;</i></td><td>Дата <i>&nbsp;</i></td></tr></table>
<p><small>Склав Бекет; ті самі відомості є як дані (JSON). Перевірка {_e(record.id)}, restic {_e(record.restic)}.
</small></p>
</body></html>
"""


def _what(record: Record) -> list[tuple[str, str]]:
    return [
        ("Що копіюють", record.plan_name),
        ("Чиї копії (сховище)", record.host),
        ("Копія (знімок)", f"{record.snapshot[:16]}… від {_moment(record.snapshot_ns)}"),
        ("Обсяг усієї копії", f"{spell_bytes(record.whole_bytes)}, файлів: {record.whole_files}"),
        ("Перевірив", record.by or "Бекет, за розкладом"),
        ("Сховище відкрито", _KEY[record.key]),
        ("Початок і кінець", f"{_moment(record.began_ns)} — {_moment(record.ended_ns)}"),
    ]


def _how(record: Record) -> str:
    same = sum(piece.is_same for piece in record.pieces)
    return (
        "Файли відновлено з копії в порожню теку. Для кожного обчислено SHA-256 і порівняно з тим, що обчислено за "
        "самим файлом тоді, коли його копіювали. Канарка — файл, уміст якого відомий наперед. "
        f"Відновлено файлів: {len(record.pieces)}; <b>збіглося: {same}, {spell_bytes(record.restored_bytes)}</b>."
    )


def _rows(pieces: tuple[Piece, ...]) -> str:
    # What is wrong comes first: it must be on the sheet.
    shown = sorted(pieces, key=lambda piece: piece.is_same)[:ROWS_SHOWN]
    return "".join(
        f'<tr><td class="path">{_e(one.path)}</td><td>{_WHY[one.why]}</td><td>{spell_bytes(one.size_bytes)}</td>'
        f'<td class="hash">{_hashes(one)}</td><td>{"так" if one.is_same else "<b>НІ</b>"}</td></tr>'
        for one in shown
    )


def _hashes(piece: Piece) -> str:
    if piece.is_same:
        return _e(piece.found)
    return f"мало бути {_e(piece.expected)}<br>є {_e(piece.found) or 'нічого'}"


def _rest(pieces: tuple[Piece, ...]) -> str:
    more = len(pieces) - ROWS_SHOWN
    return f"<p><small>І ще файлів: {more}; їх перелічено в даних.</small></p>" if more > 0 else ""


def _databases(loaded: Iterable[Loaded]) -> str:
    lines = []
    for one in loaded:
        if one.is_whole:
            words = f"відкривається, перевірку цілості пройдено; таблиць: {one.tables}, рядків: {one.rows}"
        elif one.is_whole is None:
            words = f"відкрити не було чим або не встигли ({_e(one.note)})"
        else:
            words = f"<b>НЕ ВІДКРИВАЄТЬСЯ</b> ({_e(one.note)})"
        kind = _DATABASES.get(one.kind, one.kind)
        lines.append(f'<p>База {_e(kind)} <span class="path">{_e(one.path)}</span>: {words}.</p>')
    return "".join(lines)


def _speed(record: Record) -> list[tuple[str, str]]:
    speed = "невідомо" if record.speed is None else f"{spell_bytes(round(record.speed))}/с"
    return [
        ("Відкриття сховища", f"{record.opening_s:.1f} с".replace(".", ",")),
        ("Відновлення", f"{record.restoring_s:.1f} с".replace(".", ",") + f" на {spell_bytes(record.restored_bytes)}"),
        ("Швидкість", speed),
        ("Усе буде на місці (RTO)", spell_span(record.rto_s).uk + " після того, як є новий комп'ютер і зв'язок"),
    ]


def _next(record: Record) -> str:
    if record.key is KeyUsed.RECOVERY:
        return "наступного кварталу, тим самим аркушем"
    if record.verdict is not Verdict.PROVEN:
        return "після наступної копії, найпізніше за шість годин"
    return f"не пізніше ніж за {counted(max(1, round(record.every_days)), 'добу', 'доби', 'діб')}"


def _facts(facts: list[tuple[str, str]]) -> str:
    return "".join(f"<tr><td>{_e(name)}</td><td>{_e(value)}</td></tr>" for name, value in facts)


def _buttons(back: str, data: str) -> str:
    links = [
        f'<a href="{_e(href)}">{words}</a>' for href, words in ((back, "← Назад"), (data, "Те саме як дані")) if href
    ]
    hint = "Щоб роздрукувати: Ctrl+P (або меню браузера → «Друк»)."
    return f'<p class="print">{"".join(links)}{hint}</p>'


def _moment(wall_ns: int) -> str:
    return f"{utc(wall_ns).astimezone(KYIV):%d.%m.%Y %H:%M}"


def _e(words: str) -> str:
    return html.escape(words)
