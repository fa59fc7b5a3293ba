"""Owns the recovery sheet: one page of paper with the key of one repository and what to do with it. Pure.

In Ukrainian, for somebody who has never seen it before, on a day when the centre or the host is gone.
Note: backup/design/0056-repository-service.md.
"""

import datetime
import html
from dataclasses import dataclass

from backup.sentence import KYIV
from beket.kernel.secrets import Secret


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a sheet tells.

    Attributes:
        community: its name; `place` the site's name.
        repository: the folder at the centre.
        made_at: aware.
    """

    community: str
    host: str
    place: str
    repository: str
    key: Secret
    made_at: datetime.datetime


_PAGE = """<!DOCTYPE html>
<html lang="uk"><head><meta charset="utf-8"><title>Аркуш відновлення: {host}</title>
<style>
@page {{ size: A4; margin: 15mm }}
body {{ font: 11pt/1.4 "DejaVu Sans", sans-serif; color: #000; max-width: 180mm; margin: 10mm auto }}
p, ol {{ margin: 1mm 0 }} li {{ margin: 0 0 1mm }}
h1 {{ font-size: 18pt; margin: 0 0 2mm }} h2 {{ font-size: 13pt; margin: 5mm 0 1mm }}
table {{ border-collapse: collapse }} td {{ padding: 1mm 4mm 1mm 0; vertical-align: top }}
.key {{ display: grid; grid-template-columns: repeat(4, 1fr); gap: 3mm; margin: 4mm 0 }}
.key {{ border: 1mm solid #000; padding: 4mm }}
.key span {{ font: bold 17pt "DejaVu Sans Mono", monospace; letter-spacing: 1pt; white-space: nowrap }}
.key small {{ display: block; font: 8pt "DejaVu Sans", sans-serif }}
code {{ font: 10pt "DejaVu Sans Mono", monospace; overflow-wrap: anywhere }}
.sign td {{ border-bottom: 0.3mm solid #000; width: 75mm; height: 11mm; vertical-align: bottom; padding-right: 6mm }}
@media screen {{ .print {{ border: 1mm solid #b00; padding: 3mm; margin-bottom: 6mm }} }}
@media print {{ .print {{ display: none }} body {{ margin: 0 }} }}
</style></head><body>
<p class="print">Роздрукуйте цей аркуш і зітріть файл: хто має аркуш, той може прочитати всі копії цього комп'ютера.</p>
<h1>Аркуш відновлення резервних копій</h1>
<table>
<tr><td>Громада</td><td><b>{community}</b></td></tr>
<tr><td>Об'єкт</td><td><b>{place}</b></td></tr>
<tr><td>Чиї копії</td><td><code>{host}</code></td></tr>
<tr><td>Сховище в центрі</td><td><code>{repository}</code></td></tr>
<tr><td>Складено</td><td>{made}</td></tr>
</table>
<h2>Ключ</h2>
<div class="key">{groups}</div>
<p>Лише цифри й великі латинські літери; літер I, L, O, U тут немає. Ключ — усі вісім груп через дефіс.</p>
<h2>Навіщо цей аркуш</h2>
<p>Якщо комп'ютер згорів, украдений або зламаний, цим ключем повертають усі його файли. Без ключа копії не прочитає
ніхто, навіть ті, хто написав програму. Зберігайте аркуш у сейфі, в заклеєному конверті, не поруч із комп'ютером.</p>
<h2>Що робити, коли лихо сталося</h2>
<ol>
<li>Візьміть диск зі сховищем (або його другу копію) і комп'ютер із програмою restic.</li>
<li>Виконайте: <code>restic -r {repository} snapshots</code> — і наберіть ключ, як він тут: вісім груп через дефіс.</li>
<li>Поверніть файли: <code>restic -r {repository} restore latest --target /повернуте</code></li>
<li>Якщо працює центр, простіше: <code>beket backup escrow {host} --try</code> скаже, чи ключ підходить.</li>
</ol>
<h2>Раз на квартал</h2>
<p>Відкрийте конверт, перевірте ключ (крок 4), заклейте новий конверт і запишіть дату.</p>
<table class="sign">
<tr><td>Склав:</td><td>Прийняв на зберігання:</td></tr>
<tr><td>Перевірено:</td><td>Перевірено:</td></tr>
</table>
</body></html>
"""


def render(sheet: Sheet) -> str:
    """The sheet as a page of HTML that needs nothing but itself."""
    groups = "".join(
        f"<span><small>група {number}</small>{group}</span>"
        for number, group in enumerate(sheet.key.reveal().split("-"), start=1)
    )
    return _PAGE.format(
        community=html.escape(sheet.community),
        place=html.escape(sheet.place),
        host=html.escape(sheet.host),
        repository=html.escape(sheet.repository),
        made=f"{sheet.made_at.astimezone(KYIV):%d.%m.%Y}",
        groups=groups,
    )
