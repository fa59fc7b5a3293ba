"""Owns what each trouble of a service is called where only its word arrives: a phrase, and what to do about it.

The agent's own sentence, with its numbers, stays in its log; a sample carries the word alone, for labels are bounded.
"""

from agents.services.trouble import Trouble
from beket.kernel.text import Text, say

_CALL_OWNER = say("Повідомте того, хто веде цю службу.", "Tell whoever runs this service.")
_LINE = say(
    "Перевірте, чи працює інтернет на об'єкті; якщо так, повідомте того, хто веде службу.",
    "See whether the internet works at the site; if so, tell whoever runs the service.",
)
_RENEW = say(
    "Поновіть сертифікат на сервері; автоматичне поновлення, мабуть, зламалося.",
    "Renew the certificate on the server; its automatic renewal probably broke.",
)
_PAY = say("Оплатіть домен у реєстратора.", "Pay for the domain at its registrar.")
_INVENTORY = say("Виправте цю службу в переліку.", "Correct this service in the inventory.")

WHAT: dict[Trouble, Text] = {
    Trouble.NAME: say("такої назви в мережі немає", "there is no such name in the network"),
    Trouble.REFUSED: say("вузол є, але служба вимкнена", "the host is there, the service is off"),
    Trouble.SILENT: say("не відповідає", "no answer"),
    Trouble.NO_ROUTE: say("немає шляху до вузла", "no route to the host"),
    Trouble.CUT: say("з'єднання обривається", "the connection is cut"),
    Trouble.NOT_UNDERSTOOD: say("відповідь незрозуміла", "the answer is not understood"),
    Trouble.TLS: say("захищене з'єднання не вдається", "the secure connection fails"),
    Trouble.CERTIFICATE: say("сертифікату не можна вірити", "the certificate cannot be trusted"),
    Trouble.CERTIFICATE_ENDED: say("сертифікат закінчився", "the certificate has ended"),
    Trouble.CERTIFICATE_ENDS: say("сертифікат скоро закінчиться", "the certificate ends soon"),
    Trouble.STATUS: say("відповідає помилкою", "it answers with an error"),
    Trouble.ELSEWHERE: say("відсилає на чужу адресу", "it sends to another address"),
    Trouble.TEXT: say("у відповіді немає потрібного", "the answer lacks what it should hold"),
    Trouble.ABSENT: say("такого там немає", "there is no such thing there"),
    Trouble.LOGIN: say("не приймає логін чи пароль", "it refuses the login or the password"),
    Trouble.CLOCK_OFF: say("час розходиться з годинником агента", "its time differs from the agent's clock"),
    Trouble.CLOCK_UNSET: say("сам не знає точного часу", "it does not know the time itself"),
    Trouble.DOMAIN_ENDED: say("домен не оплачено", "the domain is not paid"),
    Trouble.DOMAIN_ENDS: say("домен скоро закінчиться", "the domain ends soon"),
    Trouble.LETTER: say("лист не дійшов", "the letter did not come"),
    Trouble.LOSSY: say("губить пакети", "it loses packets"),
    Trouble.SETTING: say("перевірку налаштовано з помилкою", "the probe is set up wrongly"),
    Trouble.OTHER: say("не працює", "it does not work"),
}

TO_DO: dict[Trouble, Text] = {
    **dict.fromkeys(Trouble, _CALL_OWNER),
    Trouble.NAME: _LINE,
    Trouble.SILENT: _LINE,
    Trouble.NO_ROUTE: _LINE,
    Trouble.CUT: _LINE,
    Trouble.CERTIFICATE: _RENEW,
    Trouble.CERTIFICATE_ENDED: _RENEW,
    Trouble.CERTIFICATE_ENDS: _RENEW,
    Trouble.DOMAIN_ENDED: _PAY,
    Trouble.DOMAIN_ENDS: _PAY,
    Trouble.SETTING: _INVENTORY,
    Trouble.LOGIN: say("Перевірте секрет цієї служби в агента.", "Check this service's secret at the agent."),
    Trouble.ELSEWHERE: say(
        "Перевірте, чи сайт не зламано. Якщо адреса нова, впишіть її в перелік.",
        "See whether the site was broken into. If the address is new, write it into the inventory.",
    ),
    Trouble.TEXT: say(
        "Подивіться самі, що там: сайт могли зламати або переробити.",
        "Look for yourself: the site may have been broken into, or rebuilt.",
    ),
    Trouble.CLOCK_OFF: say(
        "Налаштуйте NTP на комп'ютері Бекета й перевірте сервер часу.",
        "Set up NTP on Beket's computer and check the time server.",
    ),
    Trouble.LOSSY: say(
        "Якщо так триває пів години, дзвоніть провайдерові.", "If it lasts half an hour, call the provider."
    ),
}


def trouble_of(reason: str) -> Trouble:
    """The trouble that a label names; one of a newer agent is some other."""
    return Trouble(reason) if reason in {trouble.value for trouble in Trouble} else Trouble.OTHER
