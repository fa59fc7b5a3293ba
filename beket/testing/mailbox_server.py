"""Owns a real IMAP server (Dovecot) on free ports of loopback, with one mailbox kept as a Maildir."""

import contextlib
import getpass
import mailbox
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from beket.testing.process import free_tcp_port, port_answers, running
from beket.testing.programs import find


@dataclass(frozen=True, slots=True)
class MailboxServer:
    """A running server. `port` speaks STARTTLS, `tls_port` TLS from the first byte; `maildir` is the inbox."""

    port: int
    tls_port: int
    maildir: Path

    def subjects(self) -> list[str]:
        """Subjects of the letters in the inbox."""
        return [str(letter["subject"]) for letter in mailbox.Maildir(self.maildir, create=False)]


@contextlib.contextmanager
def mailbox_server(certificate: Path, *, login: tuple[str, str]) -> Iterator[MailboxServer]:
    """Run `dovecot` until the block ends; `certificate` holds its key too, `login` opens the one mailbox.

    Raises:
        ProgramFailed: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="beket-dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        # It serves no mail of root; run by root, it becomes nobody for that.
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        maildir = folder / "mail"
        mailbox.Maildir(maildir, create=True)
        pem = folder / "server.pem"
        shutil.copy(certificate, pem)
        for path in (maildir, *maildir.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        users = folder / "users"
        users.write_text(f"{login[0]}:{{PLAIN}}{login[1]}:{owner.pw_uid}:{owner.pw_gid}::{folder}\n")
        server = MailboxServer(free_tcp_port(), free_tcp_port(), maildir)
        config = folder / "configuration"
        config.write_text(_configuration(server, folder))
        argv = [str(find("dovecot") or "dovecot"), "-F", "-c", str(config)]
        with running(argv, ready=port_answers(server.tls_port)):
            yield server


def _configuration(server: MailboxServer, folder: Path) -> str:
    as_root = os.geteuid() == 0
    us = getpass.getuser()
    users = "" if as_root else f"default_internal_user = {us}\ndefault_login_user = {us}\n"
    open_login = "" if as_root else "chroot =\n"
    return f"""
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
first_valid_uid = 1
mail_location = maildir:{server.maildir}
mail_max_userip_connections = 100
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
{users}passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
service imap-login {{
  {open_login}inet_listener imap {{
    port = {server.port}
  }}
  inet_listener imaps {{
    port = {server.tls_port}
    ssl = yes
  }}
}}
"""
