"""Owns newer releases of restic and rest-server than this machine's: Debian's packages, unpacked, not installed.

Each is pinned by its SHA-256 and comes from the archive that apt uses here; what is in the cache is not fetched again.
"""

import hashlib
import os
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from beket.testing.process import output_of

FETCH_WITHIN_S = 120


@dataclass(frozen=True, slots=True)
class Release:
    """One program of one Debian package for amd64."""

    package: str
    file: str
    sha256: str
    program: str


RESTIC_0_18 = Release(
    "restic",
    "pool/main/r/restic/restic_0.18.0-1+b4_amd64.deb",
    "4888fb20b272a28b84ac39171b7d7f0d9a58c2aeae51ec28e54684648d66e12c",
    "usr/bin/restic",
)
RESTIC_0_19 = Release(
    "restic",
    "pool/main/r/restic/restic_0.19.1-1_amd64.deb",
    "97711c3125b5a65788a7e99fce8eb25f9a543fa8d83c4d7e54a5febe939a0f9e",
    "usr/bin/restic",
)
REST_SERVER_0_13 = Release(
    "restic-rest-server",
    "pool/main/r/restic-rest-server/restic-rest-server_0.13.0-2_amd64.deb",
    "a493b3ddc6a89b8a01a35c4f72ee1aa87ff4cd84041bbd464c5775188495766d",
    "usr/bin/restic-rest-server",
)
REST_SERVER_0_14 = Release(
    "restic-rest-server",
    "pool/main/r/restic-rest-server/restic-rest-server_0.14.0-1_amd64.deb",
    "7fdfb25a2eedf3caa35e9f087511741914d8c10ae40c01da4235d22d20f0b4c0",
    "usr/bin/restic-rest-server",
)


def program_of(release: Release) -> Path:
    """The program, fetched when it is not in the cache.

    Raises:
        AssertionError: the archive does not hold it any more, or something else under its name.
    """
    folder = _cache() / release.sha256[:16]
    program = folder / release.program
    if not program.exists():
        package = _fetch(release)
        unpacking = folder.with_name(f"{folder.name}.{os.getpid()}")
        (unpacking / "package.deb").parent.mkdir(parents=True)
        (unpacking / "package.deb").write_bytes(package)
        subprocess.run(["dpkg-deb", "-x", unpacking / "package.deb", unpacking], check=True, timeout=FETCH_WITHIN_S)
        try:
            unpacking.rename(folder)
        except OSError:  # another test was quicker
            assert program.exists()
    return program


def _fetch(release: Release) -> bytes:
    # Where this machine's own packages come from: the pool is one for all releases of Debian.
    words = output_of("apt-get", "download", "--print-uris", "restic", within_s=FETCH_WITHIN_S)
    archive = words.split("'")[1].split("/pool/")[0]
    with urllib.request.urlopen(f"{archive}/{release.file.replace('+', '%2b')}", timeout=FETCH_WITHIN_S) as answer:  # noqa: S310 - apt's own
        package: bytes = answer.read()
    found = hashlib.sha256(package).hexdigest()
    assert found == release.sha256, f"{release.file}: not the pinned package ({found}); pin the archive's newest"
    return package


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "beket-releases"
