"""Nothing of access shows a secret when printed, logged, raised or looked at in its files."""

import io
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from beket.access.agent_key import AgentKey, accept_grant, answer_challenge, enrol_request
from beket.access.join_token import parse_join_token
from beket.access.roles import Role
from beket.access.store import AccessStore
from beket.kernel import logs
from beket.kernel.database import Database
from beket.kernel.errors import BeketError
from beket.kernel.ids import SiteId
from beket.kernel.secrets import Secret
from beket.kernel.wire import Hello

PASSWORD = "сіль хата гай міст"


def test_no_secret_is_printed_logged_raised_or_kept(store: AccessStore, database: Database, tmp_path: Path) -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.configure(level="debug", stream=stream)
    shown: list[object] = [store, store.users, store.sessions, store.enrolment, store.journal]
    try:
        user = store.users.create("olena", name="О", role=Role.HEAD, password=Secret(PASSWORD), by="beket")
        token, session = store.sessions.open(store.users.log_in("olena", Secret(PASSWORD)).id)
        link = store.sessions.issue_one_time_login(user.id)
        join = store.enrolment.create_join_token(SiteId("school"), centre_url="https://centre.example", by="beket")
        key = AgentKey.load_or_create(tmp_path / "agent" / "agent.key")
        hello = Hello(version=1, software="beket", community="", boot_id="b", wall_ns=0)
        request = enrol_request(key, join, hello)
        enrolled = accept_grant(key, join, store.enrolment.enrol(request))
        granted = store.enrolment.open_session(
            answer_challenge(key, enrolled, store.enrolment.challenge(enrolled.agent))
        )
        shown += [user, session, token, link, join, join.text(), key, request, enrolled, granted]
        secrets = {
            PASSWORD,
            token.reveal(),
            link.reveal(),
            join.secret.reveal(),
            join.text().reveal(),
            granted.token,
            (tmp_path / "agent" / "agent.key").read_text().strip(),
            (tmp_path / "keys" / "community.key").read_text().strip(),
        }
        for call in (
            lambda: store.users.log_in("olena", Secret(PASSWORD + "!")),
            lambda: store.users.create("petro", name="П", role=Role.IT, password=Secret(PASSWORD[:8]), by="beket"),
            lambda: store.users.create("olena", name="О", role=Role.HEAD, password=Secret(PASSWORD), by="beket"),
            lambda: store.sessions.find(Secret(token.reveal() + "x")),
            lambda: store.sessions.redeem_one_time_login(Secret(token.reveal())),
            lambda: store.enrolment.authenticate(Secret(granted.token + "x")),
            lambda: store.enrolment.enrol(enrol_request(AgentKey.load_or_create(tmp_path / "b.key"), join, hello)),
            lambda: parse_join_token(join.text().reveal()[:-1]),
        ):
            with pytest.raises(BeketError) as caught:
                call()
            logging.getLogger("test").error("refused", exc_info=caught.value)
            shown += [caught.value, caught.value.sentence().uk, caught.value.sentence().en]
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = before
        root.setLevel(level)
    database.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("access.db*"))
    said = stream.getvalue() + "".join(f"{thing!r} {thing}" for thing in shown)
    for secret in secrets:
        assert secret not in said
        assert secret.encode() not in kept


@pytest.mark.parametrize("module", ["agent_key", "community_key", "join_token", "messages", "signing", "tls"])
def test_what_an_agent_imports_is_light(module: str) -> None:
    code = (
        f"import sys, beket.access.{module}\n"
        "heavy = {'sqlalchemy', 'alembic', 'argon2', 'fastapi', 'av', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'loads {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
