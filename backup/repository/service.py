"""Owns how a host gets into its repository at the centre: repository, key and login are made when it first asks.

A host asks over its proven connection; each answer makes the login before it worthless, so a lost one costs nothing.
Note: backup/design/0056-repository-service.md.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backup.messages import RepositoryAccess
from backup.repository import accounts
from backup.repository.accounts import Suspension
from backup.repository.keyring import Holder, Keyring
from backup.repository.walk import size_of
from beket.kernel.errors import Forbidden, InvalidArgument, NoSpace
from beket.kernel.ids import AgentId, SiteId
from beket.kernel.text import say

# Until the server has read its accounts anew: a host that comes sooner would be refused.
ACCOUNTS_SETTLE_S = 1.0
# Told of each host that is let in, before it is: the journal.
Record = Callable[[AgentId], None]


@dataclass(frozen=True, slots=True)
class Service:
    """The centre's repositories as hosts see them.

    Attributes:
        accounts_file: what the server reads.
        certificate: PEM of what the server shows.
        port: where it listens.
    """

    keyring: Keyring
    accounts_file: Path
    certificate: Path
    port: int
    record: Record

    async def admit(self, agent: AgentId, site: SiteId, *, needs_key: bool) -> RepositoryAccess:
        """Let a host into its own repository, which is made if there is none.

        Raises:
            NoSpace: it has used up its allowance.
            Forbidden: it was removed.
            WorkFailed: restic could not make the repository or its key.
        """
        ledger = self.keyring.ledger
        known = {host.host: host for host in await asyncio.to_thread(ledger.hosts)}
        self._refuse(known[agent].suspended if agent in known else "")
        await asyncio.to_thread(self.record, agent)
        await self.keyring.make_repository(agent, site)
        key = ""
        if needs_key:
            secret = accounts.new_password()
            await self.keyring.replace_key(agent, Holder.HOST, secret)
            key = secret.reveal()
        password = accounts.new_password()
        await asyncio.to_thread(ledger.set_credential, agent, accounts.hashed(password))
        await asyncio.to_thread(self.write_accounts)
        await self.keyring.clock.sleep(ACCOUNTS_SETTLE_S)
        return RepositoryAccess(
            host=agent,
            port=self.port,
            path=f"/{agent}/",
            login=agent,
            password=password.reveal(),
            certificate=await asyncio.to_thread(self.certificate.read_text),
            key=key,
        )

    def admit_guest(self, name: str, *, address: str) -> str:
        """Let a neighbour community keep second copies here; its address with a new login in it. Blocking.

        What it keeps below its own folder is its own: this centre has no key to it. A new login ends the one before it.

        Raises:
            InvalidArgument: a host of our own is called so.
        """
        ledger, password = self.keyring.ledger, accounts.new_password()
        if name in ledger.kept_here():
            raise InvalidArgument(say("Так зветься наше сховище.", "A repository of ours is called so."), subject=name)
        ledger.add_host(name, name, wall_ns=self.keyring.clock.wall_ns())
        ledger.set_credential(name, accounts.hashed(password))
        self.write_accounts()
        return f"rest:https://{name}:{password.reveal()}@{address}:{self.port}/{name}/\n"

    def stored_bytes(self, host: str) -> int:
        """How much the host's repository takes now; what a copy under way has brought is in it. Blocking."""
        return size_of(Path(self.keyring.repository(host).location))

    def suspend(self, host: str, why: str) -> None:
        """Let a host in no longer; "" lets it in again. Blocking."""
        self.keyring.ledger.suspend(host, why)
        self.write_accounts()

    def write_accounts(self) -> None:
        """Tell the server whom it lets in. Blocking."""
        accounts.write_accounts(self.accounts_file, self.keyring.ledger.hosts())

    def _refuse(self, suspended: str) -> None:
        if suspended == Suspension.QUOTA:
            raise NoSpace(
                say("Місце для копій цього комп'ютера вичерпано.", "This host's space for backups is used up."),
                hint=say("Збільште його в налаштуваннях центру.", "Allow it more in the centre's configuration."),
            )
        if suspended:
            raise Forbidden(say("Цей агент вилучено.", "This agent was removed."))
