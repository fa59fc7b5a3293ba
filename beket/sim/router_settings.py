"""Owns the settings of a simulated MikroTik and what its command line answers: an export, who changed what, versions.

They change once, some time after somebody first read them: a technician opens a way in from outside, gives the guests'
Wi-Fi another password and has the router's SNMP stop for a while, so that an alert begins after the change. Passwords
in it are invented and always the same, or each start of a training would look like a change. Formats as RouterOS 7 has.
"""

import datetime
import threading

from beket.kernel.clock import NS_PER_S, Clock, utc

CHANGES_AFTER_S = 60.0
# Longer than a training's centre bears silence.
SNMP_STOPS_FOR_S = 45.0
TECHNICIAN = "master"
KYIV = datetime.timezone(datetime.timedelta(hours=2))
_GUESTS_BEFORE, _GUESTS_AFTER = "Hosti-gromady-1", "Hosti-gromady-2"
_WAY_IN = (
    'add action=dst-nat chain=dstnat comment="camera seen from outside" dst-port=8000 in-interface=ether1 \\\n'
    "    protocol=tcp to-addresses=10.20.2.101 to-ports=554\n"
)
_HEAD = """# {moment} by RouterOS 7.16.1
# software id = NAVC-HALN
#
# model = RB760iGS
# serial number = HEX0NAVCHALNYI
"""
_BODY = """/interface bridge
add name=bridge1
/interface wifi security
add authentication-types=wpa2-psk disabled=no name=guests passphrase="{guests}"
/ppp secret
add name=council password=Tunel-do-rady-7 profile=vpn
/ip address
add address=10.20.2.1/24 interface=bridge1 network=10.20.2.0
/ip firewall filter
add action=accept chain=input comment="answers come back" connection-state=established,related
add action=drop chain=input comment="nothing else from outside" in-interface=ether1
/ip firewall nat
add action=masquerade chain=srcnat out-interface=ether1
{way_in}/snmp community
set [ find default=yes ] addresses=10.20.0.0/16 name=Sposterezhennia-7
/snmp
set contact="IT of the community" enabled=yes
/system identity
set name={name}
/user aaa
set use-radius=no
"""


class RouterSettings:
    """The state of one router. Safe from any thread."""

    def __init__(self, name: str, *, clock: Clock, changes_after_s: float = CHANGES_AFTER_S) -> None:
        self._name = name
        self._clock = clock
        self._changes_after_s = changes_after_s
        self._lock = threading.Lock()
        self._read_first_ns: int | None = None

    def answer(self, command: str) -> str:
        """What the router prints to `command`, lines ended by LF."""
        match command.split():
            case ["/export", *words] if words in ([], ["show-sensitive"]):
                return self._export()
            case ["/system", "history", "print"]:
                return self._history()
            case ["/system", "identity", "print"]:
                return f"  name: {self._name}\n"
            case ["/system", "resource", "print"]:
                return "  uptime: 3w2d04:05:06\n  version: 7.16.1 (stable)\n  cpu-load: 7%\n"
            case ["/system", "routerboard", "print"]:
                return "  routerboard: yes\n  model: RB760iGS\n  serial-number: HEX0NAVCHALNYI\n"
        return f"bad command name {command[:40]} (line 1 column 1)\n"

    def has_changed(self) -> bool:
        """Whether the technician has been here."""
        return self._since_change_s() >= 0

    def answers_snmp(self) -> bool:
        """False for a while after the change."""
        return not 0 <= self._since_change_s() < SNMP_STOPS_FOR_S

    def _since_change_s(self) -> float:
        with self._lock:
            if self._read_first_ns is None:
                return -1.0
            return (self._clock.mono_ns() - self._read_first_ns) / NS_PER_S - self._changes_after_s

    def _export(self) -> str:
        with self._lock:
            if self._read_first_ns is None:
                self._read_first_ns = self._clock.mono_ns()
        changed = self.has_changed()
        return _HEAD.format(moment=self._moment()) + _BODY.format(
            name=self._name,
            guests=_GUESTS_AFTER if changed else _GUESTS_BEFORE,
            way_in=_WAY_IN if changed else "",
        )

    def _history(self) -> str:
        head = "Flags: U - UNDOABLE, R - REDOABLE, F - FLOATING-UNDO\n  ACTION               BY        POLICY\n"
        last = f"F nat rule added       {TECHNICIAN}    write\n" if self.has_changed() else ""
        return f"{head}{last}F address added        admin     write\n"

    def _moment(self) -> str:
        return f"{utc(self._clock.wall_ns()).astimezone(KYIV):%Y-%m-%d %H:%M:%S}"
