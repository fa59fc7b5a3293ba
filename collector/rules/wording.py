"""Owns the words of alerts: short sentences, names of things and places, the next step, never an id alone."""

from beket.kernel.inventory import Device, DeviceKind, Site
from beket.kernel.text import Text, counted, plain, say
from collector.rules.condition import Words, said
from collector.rules.picture import SitePicture, Thing

_KINDS = {
    DeviceKind.ROUTER: say("маршрутизатор", "router"),
    DeviceKind.SWITCH: say("комутатор", "switch"),
    DeviceKind.ACCESS_POINT: say("точка Wi-Fi", "Wi-Fi access point"),
    DeviceKind.RADIO_LINK: say("радіоміст", "radio link"),
    DeviceKind.UPS: say("безперебійник", "UPS"),
    DeviceKind.PRINTER: say("принтер", "printer"),
    DeviceKind.SERVER: say("сервер", "server"),
    DeviceKind.RECORDER: say("відеореєстратор", "video recorder"),
    DeviceKind.OTHER: say("пристрій", "device"),
}


def place(site: Site) -> Text:
    """A site as people call it: name and village."""
    return say("{name} ({village})", "{name} ({village})", name=site.name, village=site.village)


def whom_to_call(contact: str, site: Site) -> Text:
    """Who can mend it; the provider is named when it is known."""
    person = (
        plain(contact)
        if contact
        else say("Відповідальний за ІТ у громаді.", "Whoever looks after IT in the community.")
    )
    if not site.provider:
        return person
    return say(
        "{person} Провайдер: {provider}.",
        "{person} Provider: {provider}.",
        person=person,
        provider=site.provider,
    )


def site_silent(picture: SitePicture, call: Text) -> Words:
    """Nothing comes from a whole site."""
    site = place(picture.site)
    return Words(
        title=said(say("Немає зв'язку — {site}", "No connection: {site}", site=site)),
        what=said(
            say(
                "Об'єкт «{site}» мовчить: не приходить жодного виміру.",
                "The site “{site}” is silent: no measurement comes.",
                site=site,
            )
        ),
        why=said(
            say(
                "Немає світла довше, ніж тримає батарея, не працює інтернет або вимкнено комп'ютер Бекета на об'єкті. "
                "Камери далі записують на місці, якщо там є світло.",
                "The power is off for longer than the battery lasts, the internet is down, or Beket's computer at the "
                "site is off. If there is power, the cameras keep recording there.",
            )
        ),
        todo=said(
            say(
                "Подзвоніть на об'єкт: чи є світло? Якщо є — перезапустіть маршрутизатор. Не допомогло — провайдеру.",
                "Phone the site: is there power? If so, restart the router. If that does not help, call the provider.",
            )
        ),
        call=said(call),
        over=said(say("Знову на зв'язку — {site}", "Connected again: {site}", site=site)),
    )


def site_dark(picture: SitePicture, call: Text) -> Words:
    """There is no light at a site, as its gear says; or all that lives on the mains there is gone at once."""
    if picture.has_light is False:
        return _without_light(picture, call)
    site = place(picture.site)
    down = [thing for thing in (*picture.cameras, *picture.devices) if thing.is_up is False]
    devices = [thing for thing in picture.devices if thing.is_up is False]
    cameras_uk = counted(len(picture.cameras), "камера", "камери", "камер")
    alive = [thing.item.name for thing in picture.devices if thing.is_up]
    return Words(
        title=said(say("Немає світла або зв'язку — {site}", "No power or no connection: {site}", site=site)),
        what=said(
            say(
                "На об'єкті «{site}» разом замовкли: {things}.",
                "At the site “{site}” these fell silent together: {things}.",
                site=site,
                things=", ".join(thing.item.name for thing in down),
            )
        ),
        why=said(_why_dark(alive)),
        todo=said(
            say(
                "Дізнайтеся, чи є там світло. Немає — чекайте, усе ввімкнеться саме. Є — перевірте головний комутатор "
                "і автомати в щитку. Не записують: {cameras}; не відповідають: {devices}.",
                "Find out if there is power. If not, wait: all comes back by itself. If so, check the main switch "
                "and the circuit breakers. Cameras not recording: {n}; devices silent: {m}.",
                cameras=cameras_uk,
                devices=counted(len(devices), "пристрій", "пристрої", "пристроїв"),
                n=len(picture.cameras),
                m=len(devices),
            )
        ),
        call=said(call),
        over=said(say("Світло і зв'язок є — {site}", "Power and connection are back: {site}", site=site)),
    )


def _without_light(picture: SitePicture, call: Text) -> Words:
    site = place(picture.site)
    down = [thing.item.name for thing in (*picture.cameras, *picture.devices) if thing.is_up is False]
    return Words(
        title=said(say("Немає світла — {site}", "No power: {site}", site=site)),
        what=said(
            say("Без світла мовчать: {things}.", "Without power these are silent: {things}.", things=", ".join(down))
            if down
            else say("Поки що все працює від ДБЖ.", "So far everything runs on the UPS.")
        ),
        why=said(
            say(
                "Так каже обладнання об'єкта: ДБЖ живить від батареї або разом зникло все, що без ДБЖ.",
                "The site's gear says so: the UPS runs on its battery, or all that has none is gone at once.",
            )
        ),
        todo=said(
            say(
                "Дізнайтеся в обленерго, коли ввімкнуть. Вимкніть зайве, щоб ДБЖ тримав довше; решта ввімкнеться сама.",
                "Ask the grid company when it comes back. Switch off what can wait; the rest comes back by itself.",
            )
        ),
        call=said(call),
        over=said(say("Світло є — {site}", "Power is back: {site}", site=site)),
    )


def capture_silent(picture: SitePicture, call: Text) -> Words:
    """A site speaks, but nothing is heard of any of its cameras."""
    site = place(picture.site)
    return Words(
        title=said(say("Програма запису мовчить — {site}", "The recording program is silent: {site}", site=site)),
        what=said(
            say(
                "Об'єкт «{site}» на зв'язку, але про його камери ({cameras}) нічого не чути.",
                "The site “{site}” is connected, but nothing is heard of its cameras ({n}).",
                site=site,
                cameras=counted(len(picture.cameras), "камера", "камери", "камер"),
                n=len(picture.cameras),
            )
        ),
        why=said(
            say(
                "На комп'ютері Бекета на об'єкті не працює програма запису або переповнений диск.",
                "On Beket's computer at the site the recording program does not run, or its disk is full.",
            )
        ),
        todo=said(
            say(
                "Перезапустіть комп'ютер Бекета на об'єкті. Не допомогло — подивіться журнал програми beket agent.",
                "Restart Beket's computer at the site. If that does not help, read the log of beket agent.",
            )
        ),
        call=said(call),
        over=said(say("Програма запису знову працює — {site}", "The recording program works again: {site}", site=site)),
    )


def device_down(thing: Thing, site: Site, call: Text) -> Words:
    """A device answers nothing, or nobody hears of it."""
    if thing.is_silent:
        return _device_unknown(thing, site, call)
    device = thing.item
    kind = _KINDS[device.kind] if isinstance(device, Device) else _KINDS[DeviceKind.OTHER]
    where = place(site)
    return Words(
        title=said(
            say("Не відповідає «{name}» — {site}", "“{name}” does not answer: {site}", name=device.name, site=where)
        ),
        what=said(
            say(
                "{kind} «{name}» на об'єкті «{site}» не відповідає.",
                "The {kind} “{name}” at the site “{site}” does not answer.",
                kind=kind,
                name=device.name,
                site=where,
            )
        ),
        why=said(
            say(
                "На ping він не відповідає, а інакше спитати його Бекет не може: на комп'ютері Бекета на об'єкті "
                "немає його пароля читання, або той записано неправильно. Пристрій може й працювати.",
                "It does not answer pings, and Beket cannot ask it otherwise: its secret is missing or written wrongly "
                "on Beket's computer at the site. The device may well work.",
            )
            if thing.is_only_pinged
            else say(
                "Інші пристрої об'єкта працюють. Отже, цей вимкнено, він завис або пошкоджено кабель.",
                "Other things at the site work, so this one is off, hangs, or its cable is damaged.",
            )
        ),
        todo=said(
            say(
                "Перевірте, чи горять на ньому лампочки. Якщо горять, не вимикайте його, а виконайте на комп'ютері "
                "Бекета на об'єкті beket doctor agent: він скаже, що виправити.",
                "Look whether its lights are on. If they are, do not switch it off: run beket doctor agent on Beket's "
                "computer at the site, which says what to mend.",
            )
            if thing.is_only_pinged
            else say(
                "Перевірте, чи горять на ньому лампочки. Вимкніть на 10 секунд і ввімкніть. Перевірте кабель.",
                "Look whether its lights are on. Switch it off for 10 seconds and on again. Check the cable.",
            )
        ),
        call=said(call),
        over=said(
            say("Знову відповідає «{name}» — {site}", "“{name}” answers again: {site}", name=device.name, site=where)
        ),
    )


def _device_unknown(thing: Thing, site: Site, call: Text) -> Words:
    """The site's agent cannot ask a device: nothing is known of the device itself."""
    name, where = thing.item.name, place(site)
    return Words(
        title=said(
            say("Бекет не опитує «{name}» — {site}", "Beket does not poll “{name}”: {site}", name=name, site=where)
        ),
        what=said(
            say(
                "Про пристрій «{name}» на об'єкті «{site}» немає вимірів. Чи працює він, невідомо.",
                "There are no measurements of “{name}” at the site “{site}”. Whether it works is not known.",
                name=name,
                site=where,
            )
        ),
        why=said(
            say(
                "Агент об'єкта працює, але цього пристрою не опитує. Мабуть, у переліку помилка в адресі.",
                "The site's agent works but does not poll this device. Its address in the inventory is probably wrong.",
            )
        ),
        todo=said(
            say(
                "Вимикати пристрій не треба. Перевірте його адресу в переліку. Якщо вона правильна, виконайте на "
                "комп'ютері Бекета на об'єкті beket doctor agent: він скаже, що заважає.",
                "Do not switch the device off. Check its address in the inventory. If that is right, run beket doctor "
                "agent on Beket's computer at the site: it says what is in the way.",
            )
        ),
        call=said(call),
        over=said(say("Знову опитується «{name}» — {site}", "“{name}” is polled again: {site}", name=name, site=where)),
    )


def camera_down(thing: Thing, site: Site, call: Text) -> Words:
    """A camera does not record, or nobody hears of it."""
    name, where = thing.item.name, place(site)
    return Words(
        title=said(say("Не записує камера «{name}» — {site}", "Camera “{name}” is off: {site}", name=name, site=where)),
        what=said(
            say(
                "Камера «{name}» на об'єкті «{site}» не записує.",
                "The camera “{name}” at the site “{site}” does not record.",
                name=name,
                site=where,
            )
        ),
        why=said(
            say(
                "Агент об'єкта працює, але про камери нічого не каже: програма запису не працює.",
                "The site's agent works but says nothing of its cameras: the recording program does not run.",
            )
            if thing.is_silent
            else say(
                "Камера вимкнена, пошкоджено кабель, або змінився її пароль.",
                "The camera is off, its cable is damaged, or its password was changed.",
            )
        ),
        todo=said(
            say(
                "Перевірте, чи є в камери живлення і чи цілий кабель. Вимкніть її на 10 секунд і ввімкніть.",
                "Check that the camera has power and its cable is whole. Switch it off for 10 seconds and on again.",
            )
        ),
        call=said(call),
        over=said(
            say(
                "Знову записує камера «{name}» — {site}", "Camera “{name}” records again: {site}", name=name, site=where
            )
        ),
    )


def removed(words: Words) -> Words:
    """The end of an alert about a thing that is no longer in the inventory."""
    note = say(
        "Більше не в переліку. {title}",
        "No longer in the inventory. {title}",
        title=_again(words.title.uk, words.title.en),
    )
    return Words(words.title, words.what, words.why, words.todo, words.call, said(note))


def _again(uk_words: str, en_words: str) -> Text:
    """Words kept earlier, as a value of another sentence."""
    return Text("{uk}", "{en}", {"uk": uk_words, "en": en_words})


def _why_dark(alive: list[str]) -> Text:
    if alive:
        return say(
            "Далі відповідають (на батареї): {alive}. Отже, зв'язок є. Найімовірніше, вимкнули світло.",
            "Still answering (on battery): {alive}. So the line works; most likely the power is off.",
            alive=", ".join(alive),
        )
    return say(
        "Не відповідає нічого. Вимкнули світло або не працює головний комутатор.",
        "Nothing answers: the power is off, or the main switch does not work.",
    )
