"""Writes the pages' JSON: `python -m dashboards.grafana`. A test holds the files equal to what the code makes."""

import json
from pathlib import Path

from dashboards.grafana.backups import backups
from dashboards.grafana.beket_itself import beket_itself
from dashboards.grafana.cameras import cameras_and_recorder
from dashboards.grafana.computers import computers
from dashboards.grafana.device import device
from dashboards.grafana.overview import overview
from dashboards.grafana.panels import Dashboard
from dashboards.grafana.power import power
from dashboards.grafana.printers import printers
from dashboards.grafana.providers import providers
from dashboards.grafana.rest import names_in, rest
from dashboards.grafana.services import services_page
from dashboards.grafana.site import site
from dashboards.grafana.uplink import uplink_budget
from dashboards.grafana.wifi import wifi

FOLDER = Path(__file__).parent / "pages"


def pages() -> tuple[Dashboard, ...]:
    """Every page; that of the rest only while something is on no other."""
    network = (overview(), site(), power(), device(), wifi(), uplink_budget(), providers(), services_page())
    made = (*network, cameras_and_recorder(), computers(), printers(), backups(), beket_itself())
    left = rest(names_in(made))
    return (*made, left) if left.rows else made


def files() -> dict[str, str]:
    """File name → JSON of each page."""
    return {
        f"{page.uid.removeprefix('beket-')}.json": json.dumps(page.model(), ensure_ascii=False, indent=2) + "\n"
        for page in pages()
    }


if __name__ == "__main__":
    made = files()
    for path in set(FOLDER.glob("*.json")) - {FOLDER / name for name in made}:
        path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text)
