"""Puts holds among the alerts: one whose review date has passed is spoken of until somebody decides.

Numbers alone: which cameras and what time is for those who may see the page.
"""

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.ids import SiteId
from beket.kernel.text import say
from collector.rules.condition import Condition, Words, said
from collector.rules.standing import Timing
from vms.recordings.holds import Hold, Holds, State

REVIEW = "hold-review"
TIMING = Timing(for_s=0, keep_firing_for_s=60, gap_max_s=120)
CENTRE = SiteId("centre")


def hold_conditions(holds: Holds, clock: Clock, *, contact: str) -> list[Condition]:
    """What is to be said of each hold now. Blocking."""
    now_s = clock.wall_ns() // NS_PER_S
    return [_condition(hold, hold.state(now_s) is State.OVERDUE, contact) for hold in holds.listing()]


def _condition(hold: Hold, is_overdue: bool, contact: str) -> Condition:
    words = _words(hold, contact) if is_overdue else None
    return Condition(REVIEW, str(hold.number), CENTRE, is_overdue, TIMING, (), words)


def _words(hold: Hold, contact: str) -> Words:
    by_police = say("Поліція, яка поставила заборону.", "The police, who placed it.")
    ours = say("{contact}", "{contact}", contact=contact) if contact else say("Голова або секретар.", "The head.")
    return Words(
        title=said(say("Переглянути заборону стирати № {n}", "Review hold no. {n}", n=hold.number)),
        what=said(
            say(
                "Строк перегляду заборони стирати № {n} минув. Записи під нею лишаються.",
                "The review date of hold no. {n} has passed. Its recordings stay.",
                n=hold.number,
            )
        ),
        why=said(
            say(
                "Записи про людей не тримають без потреби; вони займають місце інших.",
                "Recordings of people are not kept without need, and take the room of others.",
            )
        ),
        todo=said(
            say(
                "Відкрийте сторінку «Не стирати» (/holds): продовжте заборону або зніміть.",
                "Open the page “Holds” (/holds): renew or release it.",
            )
        ),
        call=said(by_police if hold.by_police else ours),
        over=said(say("Заборону стирати № {n} переглянуто", "Hold no. {n} was reviewed", n=hold.number)),
    )
