"""Makes the line by which a new agent finds its centre, for a site that the inventory knows. Blocking."""

from beket.app.config import CentreConfig
from beket.app.machine import operator
from beket.app.wiring.access import open_access
from beket.app.wiring.inventory import open_inventory
from beket.kernel.clock import SystemClock
from beket.kernel.errors import NotFound
from beket.kernel.ids import SiteId
from beket.kernel.text import say


def default_url(config: CentreConfig) -> str:
    """The centre's address by its first name."""
    return f"https://{config.agents.names[0]}:{config.agents.port}"


def join_line(config: CentreConfig, site: SiteId, url: str) -> str:
    """A fresh join line for an agent of `site`; it is a secret."""
    clock = SystemClock()
    with open_inventory(config, clock=clock) as inventory:
        sites = [known.id for known in inventory.current().sites]
    if site not in sites:
        raise NotFound(
            say("Такого об'єкта немає.", "There is no such site."),
            subject=site,
            hint=say("Є: {sites}.", "There are: {sites}.", sites=", ".join(sites[:40]) or "—"),
        )
    with open_access(config, clock=clock) as access:
        token = access.enrolment.create_join_token(site, centre_url=url, by=operator())
        return token.text().reveal()
