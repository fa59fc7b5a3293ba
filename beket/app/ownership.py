"""Owns the guard against foreign packages under our names: `agents`, `backup`, `collector` exist on PyPI too.

A foreign `agents` in the same environment would be imported in silence; so Beket looks where its rooms come from before
it starts, and refuses. Note: beket/design/0004-names-and-packaging.md.
"""

import importlib.metadata
import importlib.util
from pathlib import Path

from beket.kernel.errors import InvalidConfig
from beket.kernel.text import say

ROOMS = ("beket", "agents", "backup", "collector", "dashboards", "vms")


def check_rooms_are_ours() -> None:
    """Refuse to start when a room would be imported from elsewhere than the `beket` package's own folder.

    Raises:
        InvalidConfig: with the foreign path and what to do.
    """
    home = Path(__file__).resolve().parents[2]
    for room in ROOMS:
        spec = importlib.util.find_spec(room)
        if spec is None or spec.origin is None or Path(spec.origin).resolve().parents[1] != home:
            found = spec.origin if spec and spec.origin else "?"
            raise InvalidConfig(
                say(
                    "Пакунок «{room}» береться не з Бекета, а з {found}.",
                    "The package “{room}” does not come from Beket but from {found}.",
                    room=room,
                    found=found,
                ),
                hint=say(
                    "Встановіть Бекет в окреме середовище: python3 -m venv.",
                    "Install Beket into a venv of its own: python3 -m venv.",
                ),
            )


def foreign_owners() -> dict[str, list[str]]:
    """Rooms that an installed distribution other than Beket claims too, with the names of those distributions.

    Slow (reads the records of every installed distribution); for `beket doctor` and tests.
    """
    owners = importlib.metadata.packages_distributions()
    claims = {room: sorted(set(owners.get(room, [])) - {"beket"}) for room in ROOMS}
    return {room: others for room, others in claims.items() if others}
