"""Owns a place for one test of backups: a source tree, a repository, its password, and the real restic."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from beket.testing.process import free_tcp_port, output_of, port_answers, running

FIRST_FILE = "накладна [1] *.txt"


@dataclass(frozen=True, slots=True)
class BackupPlace:
    """Folders of one test; nothing is in the repository yet."""

    folder: Path

    @property
    def source(self) -> Path:
        """What is to be saved."""
        return self.folder / "документи"

    @property
    def repository(self) -> Path:
        """Where to."""
        return self.folder / "repository"

    @property
    def password_file(self) -> Path:
        """What opens it; absent until the first use."""
        return self.folder / "secrets" / "backup-password"

    def packs(self) -> list[Path]:
        """Pack files of the repository, largest first, made writable."""
        found = sorted((self.repository / "data").glob("*/" + "?" * 64), key=lambda path: -path.stat().st_size)
        for path in found:
            path.chmod(0o600)
        return found

    def locks(self) -> list[Path]:
        """Whole lock files; restic writes one under another name first."""
        return [path for path in (self.repository / "locks").iterdir() if len(path.name) == 64]

    def bare(self, *arguments: str | Path, within_s: float = 30) -> str:
        """What plain restic says, without our wrapper."""
        opened = ("restic", "--no-cache", "--repo", self.repository, "--password-file", self.password_file)
        return output_of(*opened, *arguments, within_s=within_s)


def make_backup_place(folder: Path, *, size_bytes: int = 300_000, files: int = 5, seed: int = 1) -> BackupPlace:
    """A small source tree of known content: one file of `size_bytes`, a few short ones, one with a difficult name."""
    place = BackupPlace(folder)
    rng = random.Random(seed)  # noqa: S311 - content, no secret
    (place.source / "бухгалтерія").mkdir(parents=True)
    (place.source / "бухгалтерія" / "звіт.ods").write_bytes(rng.randbytes(size_bytes))
    (place.source / FIRST_FILE).write_text("накладна\n")
    for number in range(files):
        (place.source / f"{number}.txt").write_bytes(rng.randbytes(100))
    return place


@contextmanager
def plain_repository_server(folder: Path, *, program: str | Path = "rclone") -> Iterator[int]:
    """Serve `folder` by rclone or a rest-server as one append-only repository, without TLS or logins; the port."""
    port = free_tcp_port()
    if program == "rclone":
        argv = ["rclone", "serve", "restic", "--append-only", "--addr", f"127.0.0.1:{port}", str(folder)]
    else:
        argv = [str(program), "--path", str(folder), "--listen", f"127.0.0.1:{port}", "--no-auth", "--append-only"]
    with running(argv, ready=port_answers(port), within_s=60):
        yield port
