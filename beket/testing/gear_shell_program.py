"""A scripted command line of a device, run by the test's sshd as the forced command of every login.

`gear_shell_program.py GEAR FOLDER`: GEAR is a name of `GEARS`; FOLDER holds what the device has (`running-config`,
`facts`…) and `asked`, the commands it was given. A command of its own, standard library only: it is no part of Beket.

It behaves as the real ones do where that matters: echo by the device, prompts, pagers that erase themselves in each
vendor's own way, colours, a slow dribble, an end in the middle.
"""

import os
import sys
import termios
import time
import tty
from collections.abc import Callable
from pathlib import Path


class Device:
    """The state behind a command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paging = True
        self.privileged = False

    def file(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def flag(self, name: str) -> bool:
        return (self.folder / name).exists()

    def note(self, command: str) -> None:
        with (self.folder / "asked").open("a") as asked:
            asked.write(command + "\n")


Answer = Callable[[Device, str], str | None]


def routeros(device: Device, command: str) -> str | None:
    """RouterOS: no terminal, CR LF, errors on the same stream."""
    known = {
        "/export show-sensitive": "running-config",
        "/export": "running-config",
        "/system resource print": "resource",
        "/system routerboard print": "routerboard",
        "/system health print": "health",
        "/system identity print": "identity",
        "/interface print terse": "interfaces",
        "/system history print": "history",
    }
    if command == "/export show-sensitive" and device.flag("is-v6"):
        return "expected end of command (line 1 column 9)\n"
    if command in known:
        return device.file(known[command])
    return f"bad command name {command.split(' ')[0].strip('/')} (line 1 column 1)\n"


def linux(device: Device, command: str) -> str | None:
    """A real shell would do too; files keep the test the same everywhere."""
    name = command.replace("/", "_").replace(" ", "-")
    return device.file(name) if device.flag(name) else f"sh: {command}: not found\n"


def ios(device: Device, command: str) -> str | None:
    if command in ("terminal length 0", "terminal datadump", "disable clipaging"):
        device.paging = False
        return ""
    if command.startswith("terminal width"):
        return ""
    name = command.replace(" ", "-")
    if command.startswith("show running-config") and not device.privileged:
        return "            ^\n% Invalid input detected at '^' marker.\n\n"
    if device.flag(name):
        return device.file(name)
    return "            ^\n% Invalid input detected at '^' marker.\n\n"


def dlink(device: Device, command: str) -> str | None:
    if command == "disable clipaging":
        device.paging = False
        return "Command: disable clipaging\n\nSuccess.\n\n"
    name = command.replace(" ", "-")
    if device.flag(name):
        return f"Command: {command}\n\n{device.file(name)}"
    return "Available commands:\n ..                  ?                   clear\n"


class Line:
    """The terminal: raw, with the device's own echo."""

    def __init__(self, device: Device, *, newline: str, wants_lf: bool) -> None:
        self._wants_lf = wants_lf
        self._newline = newline
        self._slow = device.flag("is-slow")

    def put(self, text: str) -> None:
        data = text.replace("\n", self._newline).encode("utf-8", "surrogateescape")
        step = 7 if self._slow else 4096
        for at in range(0, len(data), step):
            os.write(1, data[at : at + step])
            if self._slow:
                time.sleep(0.002)

    def key(self) -> str:
        data = os.read(0, 1)
        if not data:
            sys.exit(0)
        return data.decode("latin-1")

    def line(self, *, echo: bool = True) -> str:
        typed = bytearray()
        while (key := self.key()) != "\n" if self._wants_lf else (key := self.key()) not in "\r\n":
            if key == "\r":
                continue
            typed += key.encode("latin-1")
            if echo:
                os.write(1, key.encode("latin-1"))
        self.put("\n")
        return typed.decode(errors="replace")


def page(line: Line, text: str, pager: str, erase: str, *, rows: int = 20) -> None:
    """Show `text` with a pager between pages: `pager` is drawn, a key is awaited, `erase` wipes it away."""
    lines = text.splitlines(keepends=True)
    step = rows
    at = 0
    while at < len(lines):
        line.put("".join(lines[at : at + step]))
        at += step
        if at < len(lines):
            line.put(pager)
            key = line.key()
            line.put(erase)
            if key in "qQ":
                return
            step = len(lines) if key in "aA" else 1 if key in "\r\n" else rows


def hang() -> None:
    """Answer nothing more, until the session is gone: nothing of it outlives the test."""
    session = os.getppid()
    while os.getppid() == session != 1:  # whoever is adopted has lost its session
        time.sleep(0.1)
    sys.exit(1)


def interactive(device: Device, gear: str) -> None:
    look = LOOKS[gear]
    line = Line(device, newline=look.newline, wants_lf=gear == "tplink")
    line.put(look.banner + device.file("banner"))
    while True:
        line.put(look.prompt(device))
        command = line.line()
        if not command.strip():
            continue
        device.note(command)
        if command in ("exit", "logout", "quit"):
            return
        if device.flag("hangs-on") and command == device.file("hangs-on").strip():
            hang()
        if command == "enable" and look.enable:
            _enable(device, line)
            continue
        answer = GEARS[gear](device, command) or ""
        if device.flag("cuts-in") and command == device.file("cuts-in").strip():
            line.put(answer[: len(answer) // 2])
            return
        if device.paging and answer:
            page(line, answer, look.pager, look.erase)
        else:
            line.put(answer)


def _enable(device: Device, line: Line) -> None:
    wanted = device.file("enable-secret").strip()
    if wanted:
        line.put("Password: ")
        if line.line(echo=False) != wanted:
            line.put("% Access denied\n\n")
            return
    device.privileged = True


class Look:
    """How a vendor's command line draws itself."""

    def __init__(
        self,
        prompt: Callable[[Device], str],
        *,
        pager: str,
        erase: str,
        newline: str = "\r\n",
        banner: str = "",
        enable: bool = False,
    ) -> None:
        self.prompt = prompt
        self.pager = pager
        self.erase = erase
        self.newline = newline
        self.banner = banner
        self.enable = enable


def _ios_prompt(device: Device) -> str:
    return "SW-COUNCIL#" if device.privileged else "SW-COUNCIL>"


LOOKS = {
    "ios": Look(
        _ios_prompt,
        pager=" --More-- ",
        erase="\b\b\b\b\b\b\b\b\b\b          \b\b\b\b\b\b\b\b\b\b",
        banner="\r\n*** Only for the council. SW> everything is noted # ***\r\n\r\n",
        enable=True,
    ),
    "dlink": Look(
        lambda _: "DES-3200-10:5#",
        pager="\x1b[7mCTRL+C\x1b[0m \x1b[7mESC\x1b[0m q Quit \x1b[7mSPACE\x1b[0m n Next Page a All ",
        erase="\r\x1b[2K",
        newline="\n\r",
        banner="\x1b[2J\x1b[1;1H                    DES-3200-10 Fast Ethernet Switch\r\n",
    ),
    "tplink": Look(
        _ios_prompt,
        pager="Press any key to continue (Q to quit)",
        erase="\r                                     \r",
        enable=True,
    ),
}
GEARS: dict[str, Answer] = {"routeros": routeros, "linux": linux, "ios": ios, "dlink": dlink, "tplink": ios}


def main(gear: str, folder: Path) -> None:
    device = Device(folder)
    command = os.environ.get("SSH_ORIGINAL_COMMAND")
    if command is None:
        if os.isatty(0):
            tty.setraw(0, termios.TCSANOW)
        interactive(device, gear)
        return
    device.note(command)
    if device.flag("hangs-on") and command == device.file("hangs-on").strip():
        hang()
    answer = GEARS[gear](device, command) or ""
    if device.flag("cuts-in") and command == device.file("cuts-in").strip():
        answer = answer[: len(answer) // 2]
    sys.stdout.write(answer.replace("\n", "\r\n") if gear == "routeros" else answer)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
