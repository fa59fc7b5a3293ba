"""Owns the first minutes of a checkout: a venv with exactly the locked packages, and Debian's programs for tests.

Run by make as `python3 -m beket.app.bootstrap demo|test` with the machine's own Python: standard library only, nothing
of Beket is imported. A set that is already installed costs one hash of its lock file. Packages come by hash and as
wheels: a user's machine has no compiler. Note: beket/design/0004-names-and-packaging.md.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCKS = Path(__file__).resolve().parent / "locks"
OLDEST_PYTHON = (3, 11)

# What pip downloads for each set when nothing is cached, measured on Debian 12 (x86-64).
DOWNLOAD_MB = {"demo": 70, "test": 230}

# Debian's programs that the tests run against: a path that each package brings, and the package.
TEST_PROGRAMS = {
    "/usr/bin/ffmpeg": "ffmpeg",
    "/usr/bin/chromium": "chromium",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf": "fonts-dejavu-core",
    "/usr/sbin/snmpd": "snmpd",
    "/usr/bin/snmpbulkwalk": "snmp",
    "/usr/sbin/lldpd": "lldpd",
    "/usr/bin/ip": "iproute2",
    "/usr/bin/ping": "iputils-ping",
    "/usr/sbin/dnsmasq": "dnsmasq-base",
    "/usr/sbin/chronyd": "chrony",
    "/usr/lib/dovecot/imap": "dovecot-imapd",
    "/usr/bin/ssh": "openssh-client",
    "/usr/sbin/sshd": "openssh-server",
    "/usr/share/doc/libpam-wrapper": "libpam-wrapper",
    "/usr/bin/prometheus": "prometheus",
    "/usr/share/doc/postgresql": "postgresql",
    "/usr/bin/restic": "restic",
    "/usr/bin/rclone": "rclone",
    "/usr/bin/vlc": "vlc-bin",
    "/usr/share/doc/vlc-plugin-base": "vlc-plugin-base",
    "/usr/bin/victoria-metrics": "victoria-metrics",
    "/usr/lib/python3/dist-packages/gi/__init__.py": "python3-gi",
    "/usr/lib/python3/dist-packages/gi/overrides/Gst.py": "python3-gst-1.0",
    "/usr/share/doc/gir1.2-gst-rtsp-server-1.0": "gir1.2-gst-rtsp-server-1.0",
    "/usr/share/doc/gstreamer1.0-plugins-base": "gstreamer1.0-plugins-base",
    "/usr/share/doc/gstreamer1.0-plugins-good": "gstreamer1.0-plugins-good",
    "/usr/share/doc/gstreamer1.0-plugins-bad": "gstreamer1.0-plugins-bad",
    "/usr/share/doc/gstreamer1.0-plugins-ugly": "gstreamer1.0-plugins-ugly",
    "/usr/share/doc/gstreamer1.0-libav": "gstreamer1.0-libav",
    "/usr/share/doc/gstreamer1.0-tools": "gstreamer1.0-tools",
}


def main(arguments: list[str]) -> int:
    """Set up one set of packages; return an exit code, having said in one sentence what is in the way."""
    if len(arguments) != 1 or arguments[0] not in DOWNLOAD_MB:
        return _refuse(f"usage: python3 -m beket.app.bootstrap {'|'.join(DOWNLOAD_MB)}")
    wanted = arguments[0]
    if sys.version_info < OLDEST_PYTHON:
        return _refuse(f"Потрібен Python 3.11 або новіший, а тут {sys.version.split()[0]}. Debian 12 і 13 мають його.")
    trouble = _have_venv() or _have_packages(wanted)
    if not trouble and wanted == "test":
        trouble = _have_programs()
    return _refuse(trouble) if trouble else 0


def _have_venv() -> str:
    if (VENV / "bin" / "python").exists():
        return ""
    if not _can_make_venv():
        if not _is_debian_root():
            return "Бракує модуля venv. Встановіть його: sudo apt install python3-venv — і повторіть."
        _tell("Встановлюю python3-venv…")
        if not _apt_install(["python3-venv"]):
            return "apt не встановив python3-venv; його повідомлення — вище."
    _tell("Створюю .venv…")
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        return "Не вдалося створити .venv; пояснення — вище."
    return ""


def _can_make_venv() -> bool:
    # Debian splits ensurepip out of python3; `import ensurepip` alone passes without its wheels.
    probe = "import ensurepip, sys; sys.exit(not ensurepip.version())"
    return subprocess.run([sys.executable, "-c", probe], check=False, capture_output=True).returncode == 0


def _have_packages(wanted: str) -> str:
    stamp = VENV / f".beket-{wanted}"
    fingerprint = _fingerprint(wanted)
    # The test set contains the demo's; whichever was installed for this very lock will do.
    for holder in (stamp, VENV / ".beket-test") if wanted == "demo" else (stamp,):
        kept = holder.read_text() if holder.exists() else ""
        if kept == _fingerprint(holder.name.removeprefix(".beket-")):
            return ""
    lock = LOCKS / f"{wanted}.txt"
    count = sum(1 for line in lock.read_text().splitlines() if "==" in line)
    _tell(
        f"Завантажую пакунки Python: {count}, не більше {DOWNLOAD_MB[wanted]} МБ (лише першого разу)… "
        f"/ downloading {count} packages, up to {DOWNLOAD_MB[wanted]} MB (first time only)…"
    )
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    locked = [*pip, "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(lock)]
    if subprocess.run(locked, check=False).returncode:
        return "pip не зміг завантажити пакунки; пояснення — вище. Перевірте Інтернет і повторіть."
    ourselves = [*pip, "--no-deps", "--no-build-isolation", "--no-index", "--editable", str(ROOT)]
    installed = subprocess.run(ourselves, check=False, capture_output=True, text=True)
    if installed.returncode:
        return f"pip не зміг встановити сам Бекет:\n{installed.stderr}"
    stamp.write_text(fingerprint)
    return ""


def _have_programs() -> str:
    packages = sorted({package for path, package in TEST_PROGRAMS.items() if not Path(path).exists()})
    if not packages:
        return ""
    if not _is_debian_root():
        return f"Для тестів бракує програм. Встановіть їх: sudo apt install {' '.join(packages)} — і повторіть."
    _tell(f"Встановлюю програми для тестів: {' '.join(packages)}…")
    if not _apt_install(packages):
        return "apt не встановив програм для тестів; його повідомлення — вище."
    return ""


def _fingerprint(wanted: str) -> str:
    digest = hashlib.sha256(sysconfig.get_python_version().encode())
    for path in (LOCKS / f"{wanted}.txt", ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return f"{digest.hexdigest()} {ROOT}\n"


def _is_debian_root() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _apt_install(packages: list[str]) -> bool:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *packages]
    if subprocess.run(install, check=False, env=quiet, stdout=subprocess.DEVNULL).returncode == 0:
        return True
    updated = subprocess.run(["apt-get", "update", "-qq"], check=False).returncode == 0
    return updated and subprocess.run(install, check=False, env=quiet).returncode == 0


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _refuse(words: str) -> int:
    _tell(words)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
