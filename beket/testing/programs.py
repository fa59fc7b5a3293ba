"""Owns which real programs the tests need and what brings each; a missing one fails the test, it never skips.

A name is a program on the path, or one of the parts below that are not programs: GStreamer's RTSP server is a library
with Python bindings that Debian installs for its own interpreter only.
"""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

SYSTEM_PYTHON = Path("/usr/bin/python3")


@dataclass(frozen=True, slots=True)
class Part:
    """Something real that tests start: the Debian packages that bring it, and how to tell that it is here."""

    packages: str
    is_here: Callable[[], bool]


def _program(name: str, packages: str) -> tuple[str, Part]:
    # Daemons live in /usr/sbin, which is not on everybody's path.
    return name, Part(packages, lambda: find(name) is not None)


def _shared(pattern: str) -> Callable[[], bool]:
    return lambda: SYSTEM_PYTHON.exists() and any(Path("/usr/lib").glob(pattern))


PARTS: dict[str, Part] = dict(
    (
        _program("chronyd", "chrony"),
        _program("chromium", "chromium fonts-dejavu-core"),
        _program("dnsmasq", "dnsmasq-base"),
        _program("dovecot", "dovecot-imapd"),
        _program("ffmpeg", "ffmpeg"),
        _program("ffprobe", "ffmpeg"),
        _program("gst-launch-1.0", "gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"),
        _program("ip", "iproute2"),
        _program("lldpd", "lldpd"),
        _program("mkfs.ext4", "e2fsprogs"),
        _program("mount", "mount"),
        _program("nsenter", "util-linux"),
        _program("ping", "iputils-ping"),
        ("postgresql", Part("postgresql", lambda: any(Path("/usr/lib/postgresql").glob("*/bin/initdb")))),
        _program("prometheus", "prometheus"),
        _program("promtool", "prometheus"),
        _program("rclone", "rclone"),
        _program("restic", "restic"),
        _program("snmpd", "snmpd"),
        _program("vlc", "vlc-bin vlc-plugin-base"),
        _program("snmpget", "snmp"),
        _program("snmpwalk", "snmp"),
        _program("snmpbulkwalk", "snmp"),
        _program("snmptrap", "snmp"),
        _program("ssh", "openssh-client"),
        _program("sshd", "openssh-server"),
        _program("unshare", "util-linux"),
        _program("victoria-metrics", "victoria-metrics"),
        (
            "gst-rtsp-server",
            Part(
                "gir1.2-gst-rtsp-server-1.0 python3-gst-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
                "gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly",
                _shared("*/girepository-1.0/GstRtspServer-1.0.typelib"),
            ),
        ),
        ("pam_wrapper", Part("libpam-wrapper", _shared("*/pam_wrapper/pam_matrix.so"))),
        ("gst-x265", Part("gstreamer1.0-plugins-bad", _shared("*/gstreamer-1.0/libgstx265.so"))),
    )
)


def find(program: str) -> Path | None:
    """Where `program` is, on the path or among the daemons; None when it is not installed."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/sbin")
    return Path(found) if found else None


def what_is_missing(names: Iterable[str]) -> str | None:
    """One sentence naming what a test cannot run without and how to install it; None when all is here.

    Raises:
        KeyError: a name that `PARTS` does not know; add it there.
    """
    missing = [name for name in names if not PARTS[name].is_here()]
    if not missing:
        return None
    packages = " ".join(dict.fromkeys(PARTS[name].packages for name in missing))
    return f"this test runs the real {', '.join(missing)}, which is not installed: apt-get install {packages}"
