from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from beket.access.agent_key import (
    AgentKey,
    Enrolled,
    accept_grant,
    answer_challenge,
    enrol_request,
    load_enrolled,
    save_enrolled,
)
from beket.access.enrolment import (
    CHALLENGE_LIFE_S,
    CHALLENGES_PER_AGENT,
    JOIN_LIFE_S,
    JOIN_TRIES_MAX,
    SESSION_LIFE_S,
    SESSIONS_PER_AGENT,
    AgentPrincipal,
    Enrolment,
)
from beket.access.join_token import JoinToken, parse_join_token
from beket.access.messages import SessionRequest
from beket.access.store import AccessStore
from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.errors import BeketError, DataLoss, InvalidArgument, InvalidConfig, NotFound, Unauthenticated
from beket.kernel.ids import AgentId, CommunityId, SiteId
from beket.kernel.secrets import Secret
from beket.kernel.wire import Hello

SCHOOL = SiteId("school-tsybulkivka")
URL = "https://centre.example:8443"
# The agent's clock lies by decades: nothing below depends on it.
HELLO = Hello(version=1, software="beket 0.1.0", community="", boot_id="b", wall_ns=0)


@pytest.fixture
def enrolment(store: AccessStore) -> Enrolment:
    return store.enrolment


@pytest.fixture
def key(tmp_path: Path) -> AgentKey:
    return AgentKey.load_or_create(tmp_path / "agent" / "agent.key")


def new_token(enrolment: Enrolment) -> JoinToken:
    line = enrolment.create_join_token(SCHOOL, centre_url=URL, by="user:it").text().reveal()
    return parse_join_token(line)


def join(enrolment: Enrolment, key: AgentKey) -> Enrolled:
    token = new_token(enrolment)
    return accept_grant(key, token, enrolment.enrol(enrol_request(key, token, HELLO)))


def open_session(enrolment: Enrolment, key: AgentKey, enrolled: Enrolled) -> Secret:
    answer = answer_challenge(key, enrolled, enrolment.challenge(enrolled.agent))
    return Secret(enrolment.open_session(answer).token)


def refused(call: Callable[[], object]) -> BeketError:
    with pytest.raises(Unauthenticated) as caught:
        call()
    return caught.value


def test_an_agent_joins_and_proves_itself(store: AccessStore, key: AgentKey, tmp_path: Path) -> None:
    enrolled = join(store.enrolment, key)
    assert (enrolled.site, enrolled.community, enrolled.centre_url, enrolled.pin) == (SCHOOL, "mohyliv", URL, "ab" * 32)
    assert enrolled.agent.startswith("school-tsybulkivka-")
    path = tmp_path / "agent" / "centre.json"
    save_enrolled(path, enrolled)
    assert load_enrolled(path) == enrolled
    assert path.stat().st_mode & 0o777 == 0o600
    token = open_session(store.enrolment, key, enrolled)
    expected = AgentPrincipal(enrolled.agent, SCHOOL, CommunityId("mohyliv"))
    assert store.enrolment.authenticate(token) == expected
    (agent,) = store.enrolment.agents()
    assert (agent.id, agent.public_key, agent.software, agent.revoked_reason) == (
        enrolled.agent,
        key.public,
        "beket 0.1.0",
        "",
    )
    assert store.journal.verify() is None
    assert store.journal.head().sequence == 2  # the token, the agent


def test_a_join_token_is_good_once(enrolment: Enrolment, key: AgentKey, tmp_path: Path) -> None:
    token = new_token(enrolment)
    enrolment.enrol(enrol_request(key, token, HELLO))
    other = AgentKey.load_or_create(tmp_path / "other.key")
    refused(lambda: enrolment.enrol(enrol_request(other, token, HELLO)))
    assert len(enrolment.agents()) == 1
    join(enrolment, other)  # nor does it serve an agent that joined by another line
    refused(lambda: enrolment.enrol(enrol_request(other, token, HELLO)))


def test_the_same_agent_may_ask_again_when_the_answer_was_lost(enrolment: Enrolment, key: AgentKey) -> None:
    token = new_token(enrolment)
    request = enrol_request(key, token, HELLO)
    assert enrolment.enrol(request) == enrolment.enrol(request)
    assert len(enrolment.agents()) == 1


def test_a_removed_agent_cannot_come_back_with_its_old_line(enrolment: Enrolment, key: AgentKey) -> None:
    token = new_token(enrolment)
    grant = enrolment.enrol(enrol_request(key, token, HELLO))
    enrolment.revoke(AgentId(grant.agent), reason="викрадено", by="user:it")
    refused(lambda: enrolment.enrol(enrol_request(key, token, HELLO)))
    assert "новий ключ" in refused(lambda: join(enrolment, key)).sentence().uk


def test_a_wrong_secret_costs_a_try_and_the_tries_run_out(enrolment: Enrolment, key: AgentKey) -> None:
    token = new_token(enrolment)
    token_id = token.secret.reveal().partition(".")[0]
    wrong = JoinToken(URL, token.pin, Secret(f"{token_id}.guess"))
    for _ in range(JOIN_TRIES_MAX):
        assert enrolment.join_tokens()[0].left_s == JOIN_LIFE_S
        refused(lambda: enrolment.enrol(enrol_request(key, wrong, HELLO)))
    refused(lambda: enrolment.enrol(enrol_request(key, token, HELLO)))
    assert enrolment.join_tokens()[0].left_s == 0


def test_a_late_or_revoked_join_token_is_refused(enrolment: Enrolment, key: AgentKey, clock: SimulatedClock) -> None:
    late, revoked = new_token(enrolment), new_token(enrolment)
    enrolment.revoke_join_token(revoked.secret.reveal().partition(".")[0], by="user:it")
    said = {refused(lambda: enrolment.enrol(enrol_request(key, revoked, HELLO))).sentence().uk}
    clock.step_wall(-10 * JOIN_LIFE_S)
    clock.pass_time(JOIN_LIFE_S)
    said.add(refused(lambda: enrolment.enrol(enrol_request(key, late, HELLO))).sentence().uk)
    unknown = JoinToken(URL, "ab" * 32, Secret("ffffffff.x"))
    said.add(refused(lambda: enrolment.enrol(enrol_request(key, unknown, HELLO))).sentence().uk)
    assert len(said) == 1
    with pytest.raises(NotFound):
        enrolment.revoke_join_token("ffffffff", by="user:it")


def test_a_key_must_be_held_to_be_enrolled(enrolment: Enrolment, key: AgentKey, tmp_path: Path) -> None:
    token = new_token(enrolment)
    thief = AgentKey.load_or_create(tmp_path / "thief.key")
    request = enrol_request(thief, token, HELLO)
    refused(lambda: enrolment.enrol(msgspec.structs.replace(request, public_key=key.public)))
    assert enrolment.enrol(enrol_request(key, token, HELLO))  # and cost the token nothing


def test_a_grant_signed_by_another_or_for_another_key_is_not_accepted(
    enrolment: Enrolment, key: AgentKey, tmp_path: Path
) -> None:
    token = new_token(enrolment)
    grant = enrolment.enrol(enrol_request(key, token, HELLO))
    other = AgentKey.load_or_create(tmp_path / "other.key")
    refused(lambda: accept_grant(other, token, grant))
    refused(lambda: accept_grant(key, token, msgspec.structs.replace(grant, site="council")))
    refused(lambda: accept_grant(key, token, msgspec.structs.replace(grant, signature="")))


@pytest.mark.parametrize(
    ("site", "url"), [("School 1", URL), ("school", "http://centre.example"), ("school", "https://a/b")]
)
def test_a_join_token_needs_a_site_and_a_centre(enrolment: Enrolment, site: str, url: str) -> None:
    with pytest.raises(InvalidArgument):
        enrolment.create_join_token(SiteId(site), centre_url=url, by="user:it")


# Challenges and sessions ----------------------------------------------------------------------------------------------


def test_a_challenge_is_good_once_for_its_agent_and_its_centre(
    enrolment: Enrolment, key: AgentKey, tmp_path: Path
) -> None:
    enrolled = join(enrolment, key)
    answer = answer_challenge(key, enrolled, enrolment.challenge(enrolled.agent))
    enrolment.open_session(answer)
    refused(lambda: enrolment.open_session(answer))
    elsewhere = msgspec.structs.replace(enrolled, pin="cd" * 32)
    refused(lambda: open_session(enrolment, key, elsewhere))
    other_key = AgentKey.load_or_create(tmp_path / "other.key")
    refused(lambda: open_session(enrolment, other_key, enrolled))
    other = join(enrolment, other_key)
    answer = answer_challenge(key, enrolled, enrolment.challenge(other.agent))
    refused(lambda: enrolment.open_session(answer))


@pytest.mark.parametrize("nonce", ["", "00" * 32, "x" * 1000])
@pytest.mark.parametrize("signature", ["", "ї", "00" * 64])
def test_an_invented_answer_is_refused(enrolment: Enrolment, key: AgentKey, nonce: str, signature: str) -> None:
    enrolled = join(enrolment, key)
    for agent in (enrolled.agent, "nobody", ""):
        request = SessionRequest(agent=agent, nonce=nonce, signature=signature)
        refused(lambda request=request: enrolment.open_session(request))


def test_an_unknown_agent_gets_a_challenge_and_learns_nothing(enrolment: Enrolment, key: AgentKey) -> None:
    enrolled = join(enrolment, key)
    nobody = msgspec.structs.replace(enrolled, agent=AgentId("nobody"))
    assert len(enrolment.challenge(AgentId("nobody")).nonce) == len(enrolment.challenge(enrolled.agent).nonce)
    refused(lambda: open_session(enrolment, key, nobody))


def test_challenges_and_sessions_end_on_the_monotonic_clock(
    enrolment: Enrolment, key: AgentKey, clock: SimulatedClock
) -> None:
    enrolled = join(enrolment, key)
    late = answer_challenge(key, enrolled, enrolment.challenge(enrolled.agent))
    clock.pass_time(CHALLENGE_LIFE_S)
    refused(lambda: enrolment.open_session(late))
    token = open_session(enrolment, key, enrolled)
    clock.step_wall(10**9)
    assert enrolment.authenticate(token)
    clock.step_wall(-(10**9))
    clock.pass_time(SESSION_LIFE_S)
    refused(lambda: enrolment.authenticate(token))


def test_one_agent_cannot_fill_the_memory(enrolment: Enrolment, key: AgentKey) -> None:
    enrolled = join(enrolment, key)
    first = answer_challenge(key, enrolled, enrolment.challenge(enrolled.agent))
    for _ in range(CHALLENGES_PER_AGENT):
        enrolment.challenge(enrolled.agent)
    refused(lambda: enrolment.open_session(first))
    tokens = [open_session(enrolment, key, enrolled) for _ in range(SESSIONS_PER_AGENT + 1)]
    refused(lambda: enrolment.authenticate(tokens[0]))
    for token in tokens[1:]:
        assert enrolment.authenticate(token)


def test_a_revoked_agent_is_out_at_once_and_after_a_restart(
    store: AccessStore, key: AgentKey, clock: SimulatedClock, open_store: Callable[..., AccessStore]
) -> None:
    enrolled = join(store.enrolment, key)
    token = open_session(store.enrolment, key, enrolled)
    pending = answer_challenge(key, enrolled, store.enrolment.challenge(enrolled.agent))
    store.enrolment.revoke(enrolled.agent, reason="викрадено", by="user:it")
    refused(lambda: store.enrolment.authenticate(token))
    refused(lambda: store.enrolment.open_session(pending))
    again = open_store(clock).enrolment
    refused(lambda: open_session(again, key, enrolled))
    assert again.agents()[0].revoked_reason == "викрадено"
    with pytest.raises(NotFound):
        again.revoke(enrolled.agent, reason="", by="user:it")


def test_a_revocation_by_another_process_holds_from_the_next_session_on(
    store: AccessStore, key: AgentKey, clock: SimulatedClock, open_store: Callable[..., AccessStore]
) -> None:
    enrolled = join(store.enrolment, key)
    open_store(clock).enrolment.revoke(enrolled.agent, reason="викрадено", by="user:it")
    refused(lambda: open_session(store.enrolment, key, enrolled))


def test_an_enrolled_agent_is_known_after_a_blackout_with_a_dead_clock(
    store: AccessStore, key: AgentKey, open_store: Callable[..., AccessStore]
) -> None:
    enrolled = join(store.enrolment, key)
    token = open_session(store.enrolment, key, enrolled)
    after = open_store(SimulatedClock(wall_ns=946_684_800 * NS_PER_S), boot_id="boot-2").enrolment
    refused(lambda: after.authenticate(token))
    assert after.authenticate(open_session(after, key, enrolled)).agent == enrolled.agent


def test_a_centre_with_another_community_key_does_not_start(
    store: AccessStore, clock: SimulatedClock, open_store: Callable[..., AccessStore], tmp_path: Path
) -> None:
    (tmp_path / "keys" / "community.key").unlink()
    with pytest.raises(InvalidConfig) as caught:
        open_store(clock)
    assert "в сейфі" in caught.value.sentence().uk


# The agent's own file -------------------------------------------------------------------------------------------------


def test_an_agent_that_has_not_joined_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="not joined"):
        load_enrolled(tmp_path / "centre.json")


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 5000, b"\xff", b'{"agent": 1}'])
def test_a_damaged_file_is_data_loss(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "centre.json"
    path.write_bytes(content)
    with pytest.raises(DataLoss):
        load_enrolled(path)


def test_saving_again_replaces_the_file_whole(tmp_path: Path, enrolment: Enrolment, key: AgentKey) -> None:
    path = tmp_path / "centre.json"
    (tmp_path / "centre.json.new").write_text("left by a crash")
    enrolled = join(enrolment, key)
    save_enrolled(path, enrolled)
    save_enrolled(path, msgspec.structs.replace(enrolled, centre_url="https://b.example"))
    assert load_enrolled(path).centre_url == "https://b.example"
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".new"] == []
