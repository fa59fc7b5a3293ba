"""What `beket backup VERB --help` teaches: what the verb is for, when to use it, and one line to try. Words only."""

import argparse
from collections.abc import Mapping

from beket.kernel.text import Language, Text, say

EXAMPLE = """\
[[backup.plans]]
id = "documents"
name = "Документи бухгалтерії"
paths = ["/srv/документи"]
preset = "shares"
every_hours = 24
"""

LESSONS: Mapping[str, Text] = {
    "plan": say(
        "План каже, що копіювати, звідки і як часто. Плани пишуть у файлі налаштувань агента, розділ "
        "[[backup.plans]]; ця команда показує їх і перевіряє, чи все з них читається. Приклад: beket backup plan "
        "--example >> /etc/beket/agent.toml",
        "A plan says what to copy, from where and how often. Plans are written in the agent's configuration, "
        "[[backup.plans]]; this shows them and tries whether all of it can be read. Example: beket backup plan "
        "--example >> /etc/beket/agent.toml",
    ),
    "run": say(
        "Робить копію зараз, не чекаючи розкладу, і доводить, що вона лежить у сховищі. Агент робить те саме сам; "
        "командою користуються перед ремонтом чи оновленням. Приклад: beket backup run --plan documents --drill",
        "Makes a copy now, before its turn, and proves that it lies in the repository. The agent does the same by "
        "itself; use this before a repair or an update. Example: beket backup run --plan documents --drill",
    ),
    "status": say(
        "Каже одним реченням про кожен план: коли остання копія і чи перевірено відновлення. Код виходу 1, якщо "
        "якась копія запізнилася. Приклад: beket backup status",
        "Says of each plan in one sentence when its last copy was made and whether its restore is proven. Exit code "
        "1 when a copy is late. Example: beket backup status",
    ),
    "restore": say(
        "Повертає файли з найновішої копії в порожню теку; нічого не затирає. Один файл: --only. Старішу копію й "
        "повернення просто на місце шукайте на сторінці «Копії» центру. Приклад: beket backup restore --plan documents "
        "--only /srv/документи/звіт.ods --to /srv/назад",
        "Brings files of the newest copy back into an empty folder; replaces nothing. One file: --only. For an older "
        "copy, and to put files right back, use the centre's page of backups. Example: beket backup restore "
        "--plan documents --only /srv/documents/report.ods --to /srv/back",
    ),
    "drill": say(
        "Справді відновлює кілька файлів і базу в порожню теку, звіряє їх за SHA-256, вимірює швидкість і складає «Акт "
        "перевірки відновлення з резервної копії». Агент робить це сам за розкладом; акти є і на сторінці «Копії». "
        "Приклад: beket backup drill --plan documents --act акти",
        "Really restores some files and a database into an empty folder, compares their SHA-256, measures the speed "
        "and writes the act of it. The agent does this by itself in turn; acts are on the page of backups too. "
        "Example: beket backup drill --plan documents --act acts",
    ),
    "check": say(
        "Перечитує все сховище й шукає пошкодження; довго, але бачить кожен зіпсований байт. Центр робить це сам "
        "щоночі. Приклад: beket backup check --fast",
        "Reads the whole repository and looks for damage; slow, but it sees every byte. The centre does this by "
        "itself each night. Example: beket backup check --fast",
    ),
    "configs": say(
        "Налаштування комутаторів, маршрутизаторів і антен: що змінилося, коли й хто міг це зробити; повна копія "
        "лежить запечатаною. Приклад: beket backup configs list",
        "Configurations of switches, routers and antennas: what changed and when; the full copy lies sealed. "
        "Example: beket backup configs list",
    ),
    "hosts": say(
        "Показує, як стоять копії всіх комп'ютерів громади: свіжі, запізнюються, мовчать чи кажуть неправду. "
        "Приклад: beket backup hosts",
        "Shows how the backups of all hosts stand: fresh, late, silent or lying. Example: beket backup hosts",
    ),
    "serve": say(
        "Тримає сервер сховищ окремо від центру, коли центр зупинено. Звичайно не потрібна: центр робить це сам, якщо "
        "увімкнено [repositories.service]. Приклад: beket backup serve",
        "Runs the repository server alone, while the centre is stopped. Seldom needed: the centre does it by itself "
        "with [repositories.service]. Example: beket backup serve",
    ),
    "escrow": say(
        "Ключ на випадок лиха. --sheet складає аркуш, який друкують, кладуть у конверт і в сейф; --try раз на квартал "
        "перевіряє, чи ключ з аркуша ще відкриває копії і чи файл справді повертається. Приклад: beket backup escrow "
        "council-1a2b3c4d --try",
        "The key for a disaster. --sheet writes a page to print, seal and lock away; --try proves once a quarter that "
        "the key on it still opens the copies and that a file comes back. Example: beket backup escrow "
        "council-1a2b3c4d --try",
    ),
    "forget": say(
        "Показує, які старі копії правило дозволяє забути, і після згоди забуває їх. Хибний годинник чи чужа "
        "рука не можуть прибрати більше половини. Приклад: beket backup forget council-1a2b3c4d",
        "Shows which old copies may be forgotten by rule and, when you agree, forgets them. No wrong clock can take "
        "more than half. Example: beket backup forget council-1a2b3c4d",
    ),
    "second": say(
        "Робить другу копію всіх сховищ на диск, який відносять, або до сусідів. Новий диск спершу позначають: "
        "beket backup second --prepare",
        "Makes a second copy of all repositories on a disk that is carried away, or at a neighbour's. Mark a new disk "
        "first: beket backup second --prepare",
    ),
    "guest": say(
        "Дає сусідній громаді місце для її других копій: прочитати їх тут ніхто не може. Приклад: beket backup guest "
        "susidy --address-file сусіди.address",
        "Gives a neighbour community room for its second copies, which nobody can read here. Example: beket backup "
        "guest neighbours --address-file neighbours.address",
    ),
    "drop": say(
        "Забуває про сховище, теку якого ви вже прибрали навмисно; інакше центр вічно питатиме про неї. Приклад: "
        "beket backup drop council-1a2b3c4d",
        "Forgets a repository whose folder you have removed on purpose; else the centre asks for it for ever. Example: "
        "beket backup drop council-1a2b3c4d",
    ),
}


def teach(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language) -> None:
    """Give each verb its lesson."""
    for verb, parser in verbs.choices.items():
        if verb in LESSONS:
            parser.description = LESSONS[verb].to(language)
