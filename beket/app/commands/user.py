"""`beket user`: accounts and their roles, at the centre's machine. A password is read from a file or typed, never given
on the command line.
"""

import argparse
import getpass
import sys
from pathlib import Path

from beket.access.roles import Role
from beket.app.commands import arguments
from beket.app.config import CentreConfig
from beket.app.machine import operator
from beket.app.terminal import tell
from beket.app.wiring.access import open_access
from beket.kernel.clock import SystemClock
from beket.kernel.config import load
from beket.kernel.errors import InvalidArgument
from beket.kernel.secrets import Secret, read_secret_file
from beket.kernel.text import Language, language_of_environment, say


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare `add`, `list`, `disable` and `relay-password`."""
    arguments.add_config(parser, language, default="/etc/beket/centre.toml")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|list|disable|relay-password")
    add = verbs.add_parser("add", help=say("новий користувач", "a new user").to(language))
    add.add_argument("login")
    add.add_argument("--name", required=True, help=say("посада або ім'я", "office or name").to(language))
    add.add_argument("--role", required=True, choices=[role.value for role in Role])
    add.add_argument(
        "--password-file", type=Path, help=say("файл із паролем (0600)", "file with the password").to(language)
    )
    verbs.add_parser("list", help=say("усі користувачі", "all users").to(language))
    disable = verbs.add_parser("disable", help=say("закрити доступ", "close an account").to(language))
    disable.add_argument("login")
    disable.add_argument("--reason", required=True, help=say("чому", "why").to(language))
    relay = verbs.add_parser(
        "relay-password",
        help=say("новий пароль поліції для потоків RTSP", "a police person's new RTSP password").to(language),
    )
    relay.add_argument("login")


def run(parsed: argparse.Namespace) -> int:
    """Carry out one verb; each change is in the journal."""
    with open_access(load(parsed.config, CentreConfig), clock=SystemClock()) as access:
        if parsed.verb == "add":
            user = access.users.create(
                parsed.login,
                name=parsed.name,
                role=Role(parsed.role),
                password=_password(parsed.password_file),
                by=operator(),
            )
            tell(say("Створено: {login} ({role}).", "Created: {login} ({role}).", login=user.login, role=user.role))
        elif parsed.verb == "disable":
            access.users.disable(access.users.find(parsed.login).id, reason=parsed.reason, by=operator())
            tell(say("Доступ закрито: {login}.", "Closed: {login}.", login=parsed.login))
        elif parsed.verb == "relay-password":
            password = access.relay_passwords.renew(access.users.find(parsed.login), by=operator())
            tell(
                say(
                    "Пароль для потоків RTSP; більше його не буде показано: {password}",
                    "Password for RTSP streams; it is not shown again: {password}",
                    password=password.reveal(),
                )
            )
        else:
            for user in access.users.all():
                closed = f"✗ {user.disabled_reason}" if user.disabled_reason else ""
                tell(f"{user.login:24} {user.role:18} {user.name} {closed}".rstrip())
    return 0


def _password(file: Path | None) -> Secret:
    if file:
        return read_secret_file(file)
    if not sys.stdin.isatty():
        raise InvalidArgument(
            say("Немає де ввести пароль.", "There is nowhere to type the password."),
            hint=say("Додайте --password-file.", "Add --password-file."),
        )
    return Secret(getpass.getpass(say("Пароль: ", "Password: ").to(language_of_environment())))
