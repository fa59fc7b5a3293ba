"""Whose certificates the probes of services believe."""

import ssl

from agents.services.config import ServicesConfig
from beket.kernel.errors import InvalidConfig
from beket.kernel.text import say


def trust(config: ServicesConfig) -> ssl.SSLContext:
    """What the machine trusts, and the community's own authority.

    Raises:
        InvalidConfig: the authority's file cannot be read.
    """
    context = ssl.create_default_context()
    if config.authority:
        try:
            context.load_verify_locations(config.authority)
        except OSError as error:
            raise InvalidConfig(
                say("Файл центру сертифікації не читається.", "The authority's file cannot be read."),
                subject="services.authority",
            ) from error
    return context
