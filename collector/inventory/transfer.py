"""Owns what the app calls to move the inventory in and out of files, whatever their form. Blocking; no web in it."""

from enum import StrEnum
from pathlib import Path

from beket.kernel.errors import NotFound
from beket.kernel.inventory import Inventory
from beket.kernel.text import say
from beket.kernel.units import MIB
from collector.inventory.columns import CAMERAS, DEVICES, PROVIDERS, SERVICES, SITES
from collector.inventory.csv_files import read_csv, write_csv
from collector.inventory.draft import Draft, whole_file_mistake
from collector.inventory.plan import ChangePlan
from collector.inventory.sheets import read_tables
from collector.inventory.store import InventoryStore
from collector.inventory.xlsx import inventory_xlsx, read_xlsx
from collector.inventory.yaml_files import YAML_MAX_BYTES, read_yaml, write_yaml

FILE_MAX_BYTES = 4 * MIB

_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


class FileFormat(StrEnum):
    """What `export` writes; the value ends the file's name."""

    YAML = "yaml"
    XLSX = "xlsx"
    CSV_SITES = "sites.csv"
    CSV_DEVICES = "devices.csv"
    CSV_CAMERAS = "cameras.csv"
    CSV_SERVICES = "services.csv"
    CSV_PROVIDERS = "providers.csv"


def import_file(store: InventoryStore, source: Path | bytes, filename: str) -> ChangePlan:
    """The dry run of importing a file: nothing is changed until the plan is accepted, whole.

    Args:
        store: what the file is compared with.
        source: the file, or its bytes as uploaded.
        filename: as its author calls it; its ending tells YAML from tables.

    Raises:
        InventoryMistakes: the file cannot be accepted; every mistake is listed with its sheet and row, or YAML path.
        NotFound: there is no file at that path.
    """
    data = source if isinstance(source, bytes) else _read_bounded(source)
    store.refresh()
    draft = read_file(data, store.current(), filename=filename)
    return store.propose(draft)


def read_file(data: bytes, base: Inventory, *, filename: str) -> Draft:
    """What a file of any known form makes of `base`, unchecked.

    Raises:
        InventoryMistakes: it is of no known form, or too large.
    """
    ending = filename.rpartition(".")[2].lower()
    if len(data) > (YAML_MAX_BYTES if ending in ("yaml", "yml") else FILE_MAX_BYTES):
        raise whole_file_mistake(filename, say("Файл завеликий.", "The file is too large."))
    if data.startswith(_OLD_EXCEL):
        what = say("Це старий формат Excel (.xls).", "This is the old Excel format (.xls).")
        raise whole_file_mistake(filename, what, say("Збережіть як .xlsx.", "Save it as .xlsx."))
    if ending in ("yaml", "yml"):
        return read_yaml(data, base, filename=filename)
    tables = read_xlsx(data, filename) if data.startswith(_ZIP) else [read_csv(data, filename)]
    return read_tables(tables, base, filename=filename)


def export(inventory: Inventory, file_format: FileFormat) -> bytes:
    """The inventory as a file; importing it back changes nothing."""
    match file_format:
        case FileFormat.YAML:
            return write_yaml(inventory)
        case FileFormat.XLSX:
            return inventory_xlsx(inventory)
        case FileFormat.CSV_SITES:
            return write_csv(inventory, SITES)
        case FileFormat.CSV_DEVICES:
            return write_csv(inventory, DEVICES)
        case FileFormat.CSV_CAMERAS:
            return write_csv(inventory, CAMERAS)
        case FileFormat.CSV_SERVICES:
            return write_csv(inventory, SERVICES)
        case FileFormat.CSV_PROVIDERS:
            return write_csv(inventory, PROVIDERS)


def _read_bounded(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise NotFound(
            say("Файл не читається: {why}.", "The file cannot be read: {why}.", why=error.strerror), subject=str(path)
        ) from error
