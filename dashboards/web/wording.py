"""Owns the words for the values that lists and the journal show."""

from collections.abc import Mapping

from beket.kernel.inventory import AccessClass, DeviceKind
from beket.kernel.text import Text, say

DEVICE_WORDS: Mapping[DeviceKind, Text] = {
    DeviceKind.ROUTER: say("маршрутизатор", "router"),
    DeviceKind.SWITCH: say("комутатор", "switch"),
    DeviceKind.ACCESS_POINT: say("точка доступу", "access point"),
    DeviceKind.RADIO_LINK: say("радіоміст", "radio link"),
    DeviceKind.UPS: say("ДБЖ", "UPS"),
    DeviceKind.PRINTER: say("принтер", "printer"),
    DeviceKind.SERVER: say("сервер", "server"),
    DeviceKind.RECORDER: say("відеореєстратор", "recorder"),
    DeviceKind.OTHER: say("інше", "other"),
}
ACCESS_WORDS: Mapping[AccessClass, Text] = {
    AccessClass.STREET: say("вулиця", "street"),
    AccessClass.ENTRANCE: say("вхід", "entrance"),
    AccessClass.CHILDREN: say("діти", "children"),
    AccessClass.PATIENTS: say("пацієнти", "patients"),
    AccessClass.STAFF: say("працівники", "staff"),
    AccessClass.HOMES: say("житло", "homes"),
    AccessClass.CRITICAL: say("критичний об’єкт", "critical"),
}
# What is not listed is shown as the journal spells it.
ACTION_WORDS: Mapping[str, Text] = {
    "log-in": say("увійшов", "logged in"),
    "view-live": say("дивився наживо", "looked live"),
    "end-view-live": say("закінчив дивитися наживо", "stopped looking live"),
    "view-archive": say("дивився архів", "looked at the archive"),
    "take-test-clip": say("взяв перевірочне відео", "took a test clip"),
    "hold": say("просив не стирати", "asked to keep"),
    "request-copy": say("попросив копію", "asked for a copy"),
    "approve-copy": say("погодив копію", "approved a copy"),
    "export-copy": say("забрав копію", "took a copy"),
    "edit-inventory": say("змінив перелік", "changed the inventory"),
    "create-user": say("створив обліковий запис", "made an account"),
    "disable-user": say("вимкнув обліковий запис", "disabled an account"),
    "enable-user": say("увімкнув обліковий запис", "enabled an account"),
    "set-password": say("задав пароль", "set a password"),
    "grant": say("надав дозвіл", "gave a grant"),
    "revoke-grant": say("відкликав дозвіл", "revoked a grant"),
    "read-police-journal": say("читав журнал поліції", "read the police journal"),
    "create-join-token": say("дав рядок приєднання", "gave a join line"),
    "revoke-join-token": say("скасував рядок приєднання", "withdrew a join line"),
    "revoke-agent": say("відлучив агента", "shut an agent out"),
    "enrol-agent": say("приєднав агента", "let an agent in"),
    "restore-backup": say("повернув файли з копії", "took files out of a backup"),
    "enter-repository": say("дістав доступ до сховища копій", "was let into its repository"),
    "make-recovery-key": say("склав аркуш відновлення", "made a recovery sheet"),
    "let-guest-in": say("дав сусідам місце для копій", "let a neighbour keep copies here"),
    "drop-repository": say("прибрав сховище зі списку", "took a repository off the list"),
    "forget-snapshots": say("стер старі копії", "forgot old snapshots"),
    "trust-clock": say("підтвердив годинник", "confirmed the clock"),
}
