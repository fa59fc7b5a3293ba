"""Writes the dashboards' JSON beside their code: `python -m dashboards.grafana`. A test holds the two equal."""

import json
from pathlib import Path

from dashboards.grafana.overview import overview

FOLDER = Path(__file__).parent


def files() -> dict[str, str]:
    """File name → JSON of each dashboard."""
    return {"overview.json": json.dumps(overview().model(), ensure_ascii=False, indent=2) + "\n"}


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text)
