"""Owns the words of each trouble that backups can have: what, why, what to do, and that it is over.

Data; `{place}` and the other names in braces are filled by `beket.app.wiring.backup_alerts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from beket.kernel.text import Text, say
from collector.rules.condition import Words, said


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """An alert's words with what is to be filled in."""

    title: Text
    what: Text
    why: Text
    todo: Text
    over: Text

    def words(self, call: Text, values: Mapping[str, object]) -> Words:
        """The words of one case."""

        def fill(part: Text) -> Text:
            return Text(part.uk_template, part.en_template, dict(values))

        return Words(
            title=said(fill(self.title)),
            what=said(fill(self.what)),
            why=said(fill(self.why)),
            todo=said(fill(self.todo)),
            call=said(call),
            over=said(fill(self.over)),
        )


def both(uk: str, en: str) -> Text:
    """Words in both languages, to be filled in later."""
    return say(uk, en)


DAMAGED = Telling(
    title=both("Пошкоджене сховище копій — {place}", "Damaged backups: {place}"),
    what=both(
        "У сховищі копій ({place}) файлів, яких бракує або які вже не такі, якими їх записано: {damaged}.",
        "In the repository of {place} {damaged} files are missing, or are not what was written.",
    ),
    why=both(
        "Псується диск центру, або файли хтось змінив чи стер.", "The disk fails, or somebody changed or deleted them."
    ),
    todo=both(
        "Нічого не стирайте. Перевірте диск центру й зробіть копії на інший диск.",
        "Delete nothing. Check the centre's disk and copy to another one.",
    ),
    over=both("Сховище копій знову ціле — {place}", "Backups are whole again: {place}"),
)

GONE = Telling(
    title=both("Сховища копій немає на місці — {place}", "A repository is gone: {place}"),
    what=both("У центрі немає теки з копіями ({place}).", "The folder of copies is away ({place})."),
    why=both("Диск центру від'єднано, або теку хтось прибрав.", "Its disk is away, or somebody removed it."),
    todo=both("Під'єднайте диск із копіями й нічого не створюйте на його місці.", "Connect the disk."),
    over=both("Сховище копій знову на місці — {place}", "The repository is back: {place}"),
)

LYING = Telling(
    title=both("Копії немає там, де має бути, — {place}", "A copy is not in place: {place}"),
    what=both(
        "Комп'ютер ({place}) каже, що копію зробив, але в центрі її немає.",
        "The host at {place} says that it copied, but nothing came to the centre.",
    ),
    why=both(
        "Копія пішла в інше місце, файли сховища зникли, або комп'ютер каже неправду.",
        "It went elsewhere, files of the repository are gone, or the host does not tell the truth.",
    ),
    todo=both(
        "Перевірте на тому комп'ютері: beket backup status. Подивіться, чи не чіпали теку сховищ.",
        "At that host run: beket backup status. See whether somebody touched the repositories.",
    ),
    over=both("Копія знову на місці — {place}", "The copy is in place again: {place}"),
)

SILENT = Telling(
    title=both("Копії не надходять — {place}", "No copies come: {place}"),
    what=both(
        "Комп'ютер ({place}) мовчить, і його копія вже стара.", "The host at {place} is silent and its copy is old."
    ),
    why=both("Він вимкнений, без інтернету, або програма зупинена.", "It is off, offline, or stopped."),
    todo=both("Увімкніть його; копія зробиться сама.", "Turn it on; the copy is made by itself."),
    over=both("Копії знову надходять — {place}", "Copies come again: {place}"),
)

LATE = Telling(
    title=both("Копія запізнюється — {place}", "A copy is late: {place}"),
    what=both("Свіжої копії немає ({place}): {names}.", "There is no fresh copy ({place}): {names}."),
    why=both("Причину каже сам комп'ютер: сторінка «Копії».", "The host tells why: the page “Копії”."),
    todo=both("Подивіться на сторінку «Копії» й зробіть, що там сказано.", "Do what the page “Копії” says."),
    over=both("Копія знову свіжа — {place}", "The copy is fresh again: {place}"),
)

EMPTY = Telling(
    title=both("Першої копії досі немає — {place}", "Still no first copy: {place}"),
    what=both(
        "Минуло дві доби, а цілої копії ще не було ({place}): {names}.",
        "Two days have passed, and there was no whole copy yet ({place}): {names}.",
    ),
    why=both(
        "Перша копія не встигає, бо комп'ютер вимикають раніше, або їй щось заважає.",
        "The first copy does not end before the host is turned off, or something is in its way.",
    ),
    todo=both(
        "Подивіться на сторінку «Копії», що каже комп'ютер. Якщо копія йде, залиште його ввімкненим на ніч.",
        "See on the page “Копії” what the host says. If a copy is being made, leave it on overnight.",
    ),
    over=both("Перша копія є — {place}", "The first copy is there: {place}"),
)

UNRESTORABLE = Telling(
    title=both("Копія не відновлюється — {place}", "A copy does not come back: {place}"),
    what=both("Перевірка відновлення не вдалася ({place}): {names}.", "A restore drill failed at {place}: {names}."),
    why=both("Причину сказано в акті перевірки: сторінка «Копії».", "The act tells why: the page “Копії”."),
    todo=both(
        "Не стирайте старих копій. Відкрийте акт і зробіть, що там сказано; потім зробіть копію ще раз.",
        "Delete no old copies. Read the act and do what it says; then copy once more.",
    ),
    over=both("Копія знову відновлюється — {place}", "The copy comes back again: {place}"),
)

UNPROVEN = Telling(
    title=both("Відновлення не перевірено — {place}", "Restoring is not proven: {place}"),
    what=both(
        "Копії є, але давно ніхто не перевіряв, чи вони відновлюються ({place}): {names}.",
        "There are copies, but nobody has tried for long whether they come back ({place}): {names}.",
    ),
    why=both("Комп'ютер вимикають раніше, або йому бракує місця чи часу.", "It is off, or lacks room or time."),
    todo=both(
        "На тому комп'ютері виконайте: beket backup drill — і прочитайте, що він скаже.",
        "At that host run: beket backup drill, and read what it says.",
    ),
    over=both("Відновлення перевірено — {place}", "Restoring is proven: {place}"),
)

ENVELOPE = Telling(
    title=both("Час відкрити конверт — {place}", "Time to open the envelope: {place}"),
    what=both(
        "Ключ відновлення з паперового аркуша ({place}) не перевіряли понад квартал.",
        "The recovery key on paper of {place} was not tried for over a quarter.",
    ),
    why=both("Аркуш міг загубитися або вицвісти.", "The sheet may be lost or faded."),
    todo=both(
        "Відкрийте конверт і на центрі виконайте: beket backup escrow … --try. Заклейте новий конверт.",
        "Open the envelope and run at the centre: beket backup escrow … --try. Seal it again.",
    ),
    over=both("Ключ відновлення перевірено — {place}", "The recovery key was tried: {place}"),
)

KEYS = Telling(
    title=both("Чужий ключ до копій — {place}", "A strange key to backups: {place}"),
    what=both(
        "Сховище копій ({place}) відкривають ключі, яких центр не робив: {keys}.",
        "Keys that the centre did not make open the backups of {place}: {keys}.",
    ),
    why=both("Хтось додав ключ із того комп'ютера або з центру.", "Somebody added it, there or here."),
    todo=both(
        "З'ясуйте, хто і навіщо. Якщо ніхто не зізнається, вважайте той комп'ютер зламаним.",
        "Find out who and why. If nobody knows, take that host for broken into.",
    ),
    over=both("Чужого ключа до копій більше немає — {place}", "The strange key is gone: {place}"),
)

LOCKED = Telling(
    title=both("Сховище копій замкнене — {place}", "A repository stays locked: {place}"),
    what=both(
        "Сховище копій ({place}) замкнене вже {hours} год, а господар замка не озивається.",
        "The repository of {place} has been locked for {hours} h by somebody who does not answer.",
    ),
    why=both(
        "Копіювання обірвалося разом зі світлом, і замок лишився.", "A copy ended with the power, and its lock stayed."
    ),
    todo=both(
        "Увімкніть той комп'ютер: наступна копія зніме свій замок сама. Якщо його вже немає, покличте ІТ.",
        "Turn that host on: its next copy removes its own lock. If it is no more, call IT.",
    ),
    over=both("Сховище копій відімкнено — {place}", "The repository is unlocked: {place}"),
)

QUOTA = Telling(
    title=both("Копіям бракує місця — {place}", "Backups run out of room: {place}"),
    what=both(
        "Сховище копій ({place}) зайняло {used} дозволеного: {size}.",
        "The repository of {place} takes {used} of its allowance: {size}.",
    ),
    why=both("Даних побільшало, або копіюється зайве.", "There are more data than before, or some that nobody needs."),
    todo=both(
        "Збільште дозволене ([repositories.service] quota_gib) або приберіть із плану зайві теки. "
        "Коли місце скінчиться, нові копії не прийматимуться.",
        "Raise the allowance ([repositories.service] quota_gib) or take needless folders out of the plan. "
        "When it is used up, no new copies are taken.",
    ),
    over=both("Копіям знову вистачає місця — {place}", "Backups have room again: {place}"),
)

GROWTH = Telling(
    title=both("Сховище копій раптом виросло — {place}", "A repository grew suddenly: {place}"),
    what=both(
        "За добу сховище копій ({place}) виросло на {grew}; тепер у ньому {size}.",
        "In a day the repository of {place} grew by {grew}; it takes {size} now.",
    ),
    why=both(
        "Додали велику теку, або змінилися всі файли одразу: так буває, коли їх шифрує зловмисник.",
        "A large folder was added, or all files changed at once, as when an intruder encrypts them.",
    ),
    todo=both(
        "Спитайте, чи додавали щось велике. Якщо ні, від'єднайте той комп'ютер від мережі й не стирайте старих копій.",
        "Ask whether something large was added. If not, take that host off the network and delete no old copies.",
    ),
    over=both("Сховище копій більше не росте стрімко — {place}", "The repository grows no more: {place}"),
)
