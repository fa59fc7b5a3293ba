"""Owns the pages as one router: wiring gives the parts, the app serves what comes back.

Blocking questions go to worker threads; nothing here blocks the loop. Note: dashboards/design/0012-pages.md.
"""

from fastapi import APIRouter

from dashboards.web import (
    backup_acts,
    backup_history,
    backups,
    computers,
    device,
    entry,
    gear,
    holds,
    links,
    look,
    overview,
    practice,
    put_back,
)
from dashboards.web.ports import Parts
from dashboards.web.rendering import Renderer
from dashboards.web.static_files import StaticFiles


def router(parts: Parts) -> APIRouter:
    """Every page for people, and the files that they load."""
    static = StaticFiles()
    renderer = Renderer(
        static=static.prefix, community=lambda: parts.inventory.current().community.name, training=parts.training
    )
    routes = APIRouter()
    routes.include_router(static.router())
    routes.include_router(entry.router(parts.access, renderer, parts.one_click_logins))
    routes.include_router(overview.router(parts, renderer))
    routes.include_router(look.router(parts, renderer))
    routes.include_router(holds.router(parts, renderer))
    routes.include_router(backup_acts.router(parts, renderer))
    routes.include_router(backup_history.router(parts, renderer))
    routes.include_router(practice.router(parts, renderer))
    routes.include_router(put_back.router(parts, renderer))
    routes.include_router(backups.router(parts, renderer))
    routes.include_router(computers.router(parts, renderer))
    routes.include_router(gear.router(parts, renderer))
    routes.include_router(device.router(parts, renderer))
    routes.include_router(links.router(parts, renderer))
    return routes
