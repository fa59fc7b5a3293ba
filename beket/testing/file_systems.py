"""Owns real file systems for a test: small ext4 disks in memory, which can fall ill, be full, go away and come back.

Needs root, as a loop device does. An ext4 that finds an error goes read-only at once, as a dying disk makes it do.
"""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beket.testing.process import output_of
from beket.testing.programs import find


class Ext4:
    """One small disk.

    Attributes:
        folder: where it is mounted, while it is.
    """

    def __init__(self, image: Path, folder: Path, *, size_mib: int) -> None:
        self.folder = folder
        self._image = image
        with image.open("wb") as file:
            file.truncate(size_mib << 20)
        output_of(find("mkfs.ext4") or "mkfs.ext4", "-q", "-F", image)
        folder.mkdir(exist_ok=True)

    def attach(self) -> None:
        """Mount it."""
        output_of("mount", "-o", "loop,errors=remount-ro", self._image, self.folder)

    def detach(self) -> None:
        """Take it away, even from under open files."""
        output_of("umount", "--lazy", self.folder)

    def fall_ill(self) -> None:
        """Let the file system find an error: from here on it refuses every write."""
        device = output_of("findmnt", "-n", "-o", "SOURCE", self.folder).strip()
        (Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error").write_text("1")

    @contextmanager
    def starved(self) -> Iterator[None]:
        """Meanwhile blocks that were never written before cannot be: the device says EIO, and so does a sync."""
        other = self._image.parent / f"{self._image.stem}-takes-all"
        with other.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(65536))
        try:
            yield
        finally:
            other.unlink()

    def fill(self, leave_bytes: int) -> Path:
        """Let somebody else's file take all but `leave_bytes`; removing it makes room again."""
        other = self.folder / "somebody-elses"
        free_bytes = shutil.disk_usage(self.folder).free
        with other.open("wb") as file:
            for _ in range(max(0, free_bytes - leave_bytes) // 65536):
                file.write(bytes(65536))
        return other


@contextmanager
def ext4_disks(folder: Path, *names: str, size_mib: int = 24) -> Iterator[list[Ext4]]:
    """Disks that are mounted; none is when the test is over. Each device lies in memory of its own."""
    places = [folder / f"{name}-device" for name in names]
    disks: list[Ext4] = []
    try:
        for name, place in zip(names, places, strict=True):
            place.mkdir()
            output_of("mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "beket-test", place)
            disks.append(Ext4(place / f"{name}.img", folder / name, size_mib=size_mib))
            disks[-1].attach()
        yield disks
    finally:
        for mounted in [*(disk.folder for disk in disks), *places]:
            while subprocess.run(["umount", "--lazy", mounted], check=False, capture_output=True).returncode == 0:
                pass
