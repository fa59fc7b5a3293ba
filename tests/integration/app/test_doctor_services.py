"""The doctor asks each service of the site once, over real sockets, and says how it stands."""

import asyncio
import random
from pathlib import Path

import msgspec

from beket.app.config import AgentConfig
from beket.app.doctor.agent import examine_services
from beket.app.doctor.finding import Finding, Mark
from beket.kernel.clock import SystemClock
from beket.kernel.errors import HANDLING, Kind
from beket.kernel.ids import CommunityId, ServiceId, SiteId
from beket.kernel.inventory import Community, Inventory, Service
from beket.testing.process import free_tcp_port
from beket.testing.web_server import Page, web_server

SCHOOL = SiteId("school")


def findings(folder: Path, authority: Path | None = None, **addresses: str) -> dict[str, Finding]:
    services = [Service(id=ServiceId(id_), site=SCHOOL, name=id_, address=at) for id_, at in addresses.items()]
    known = Inventory(version=1, community=Community(id=CommunityId("m"), name="М"), services=tuple(services))
    config = AgentConfig(data=folder / "data", secrets=folder / "secrets")
    config = msgspec.structs.replace(config, services=msgspec.structs.replace(config.services, authority=authority))
    found = asyncio.run(examine_services(known, config, clock=SystemClock(), rng=random.Random(1)))
    return {finding.subject.uk: finding for finding in found}


def test_a_service_that_fails_is_bad_with_the_probes_own_words_and_those_beside_it_stand_well(tmp_path: Path) -> None:
    pages = {"/": Page("громада".encode()), "/broken": Page(b"", 500)}
    with web_server(pages) as server:
        here = f"http://127.0.0.1:{server.port}"
        found = findings(
            tmp_path,
            site=f"{here}/",
            broken=f"{here}/broken",
            gone=f"tcp://127.0.0.1:{free_tcp_port()}",
        )
    assert found["site"].mark is Mark.GOOD
    for name in ("broken", "gone"):
        assert found[name].mark is Mark.BAD
        error = found[name].error
        assert error is not None
        assert error.handling.exit_code == HANDLING[Kind.UNREACHABLE].exit_code
    assert "500" in found["broken"].words.uk
    assert found["gone"].sentence().uk == "✗ gone: Вузол є, але служба на цьому порту не працює."


def test_an_address_that_cannot_be_asked_and_an_authority_that_cannot_be_read_are_bad(tmp_path: Path) -> None:
    found = findings(tmp_path, strange="gopher://127.0.0.1/")
    assert found["strange"].mark is Mark.BAD
    absent = findings(tmp_path, tmp_path / "absent.pem", page="http://127.0.0.1:1/")
    assert [(name, finding.mark) for name, finding in absent.items()] == [("services.authority", Mark.BAD)]
