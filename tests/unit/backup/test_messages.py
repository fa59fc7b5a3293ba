"""Golden messages of backups, and how the centre takes a report from a host whose clock is wrong."""

import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backup.acts.page import act_of, render
from backup.acts.record import KeyUsed, Loaded, Piece, Record, Verdict, Why
from backup.messages import (
    PIECES_MAX,
    PLANS_MAX,
    ActReport,
    BackupReport,
    PlanReport,
    ReportAnswer,
    RepositoryAccess,
    RepositoryRequest,
    RepositoryStored,
    RestoreOrder,
    RestoreResult,
    Running,
)
from backup.repository import accounts
from backup.repository.ledger import Host, Ledger
from backup.repository.remote import RemotePlace
from backup.web import in_our_time, record_of
from beket.kernel.errors import ProtocolError
from beket.kernel.secrets import Secret
from beket.kernel.wire import decode, encode

GOLDEN = Path(__file__).parents[2] / "fixtures" / "wire" / "1"
PLAN = PlanReport(
    id="documents",
    name="Документи бухгалтерії",
    every_hours=24.0,
    copied_ns=1_700_000_000_000_000_000,
    whole_ns=1_700_000_000_000_000_000,
    proven_ns=1_699_000_000_000_000_000,
    outcome="ok",
    reason_uk="Копію зроблено й знайдено у сховищі.",
    reason_en="The copy is made and found in place.",
    size_bytes=2_000_000_000,
    added_bytes=1_000_000,
    running=Running(began_ns=1_700_000_090_000_000_000, read_ratio=0.5, stored_bytes=12_000_000, stored_ratio=0.25),
)
ACCESS = RepositoryAccess(
    host="council-1f2e3d4c",
    port=8444,
    path="/council-1f2e3d4c/",
    login="council-1f2e3d4c",
    password="Zk9v-login",
    certificate="-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n",
    key="Zk9v-key",
)
ORDER = RestoreOrder(id="0190-1", snapshot="ab" * 32, path="/дані/звіт.ods", replace=True, size_bytes=1000)
RECORD = Record(
    id="0190-2",
    number=3,
    host="council-1f2e3d4c",
    site="council",
    plan="documents",
    plan_name="Документи бухгалтерії",
    snapshot="ab" * 32,
    snapshot_ns=1_699_900_000_000_000_000,
    began_ns=1_700_000_000_000_000_000,
    ended_ns=1_700_000_005_000_000_000,
    verdict=Verdict.PROVEN,
    restic="0.14.0",
    pieces=(Piece("/дані/звіт.ods", Why.LARGEST, 1000, "aa" * 32, "aa" * 32),),
    databases=(Loaded("/дані/облік.db", "sqlite", True, 2, 30),),
    opening_s=0.5,
    restoring_s=1.5,
    whole_bytes=2_000_000,
    whole_files=12,
    every_days=30.0,
)
MESSAGES: dict[str, msgspec.Struct] = {
    "backup-report": BackupReport(wall_ns=1_700_000_100_000_000_000, plans=(PLAN,), repository="центр"),
    "backup-act": ActReport(wall_ns=1_700_000_100_000_000_000, record=RECORD),
    "backup-answer": ReportAnswer(orders=(ORDER,)),
    "backup-restored": RestoreResult(
        id="0190-1", outcome="failed", reason_uk="Диска немає.", reason_en="No disk.", placed=""
    ),
    "repository-request": RepositoryRequest(needs_key=True),
    "repository-access": ACCESS,
    "repository-stored": RepositoryStored(size_bytes=2_000_000_000),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message_is_spelled_as_in_its_golden_file(name: str) -> None:
    golden = (GOLDEN / f"{name}.json").read_bytes()
    assert decode(golden, type(MESSAGES[name])) == MESSAGES[name]
    assert msgspec.json.format(encode(MESSAGES[name]), indent=2) + b"\n" == golden


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**9))
def test_hostile_act_is_refused_or_makes_a_page_and_a_row(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    rng = random.Random(seed)
    plain = msgspec.json.decode((GOLDEN / "backup-act.json").read_bytes())
    odd = [-1, 0, 2**53, 10**30, -(10**30), 1e308, -0.5, "", "х" * 5000, None, [], {}, "../../etc", "<i>", "{x}"]
    record = plain["record"]
    for where in rng.sample([plain, record, record["pieces"][0], record["databases"][0]], rng.randint(1, 4)):
        where[rng.choice(sorted(where))] = rng.choice(odd)
    try:
        report = decode(msgspec.json.encode(plain), ActReport)
        taken = record_of(report, hosts=("council-1f2e3d4c", "council"), wall_ns=1_700_000_000_000_000_000)
    except ProtocolError:
        return
    body = render(act_of(taken, community="", place="")).partition("</style>")[2]
    assert body.count("<i>") == 4  # the lines to sign on, and none of theirs
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "repositories.db")
    ledger.acts.keep(taken)
    assert ledger.acts.of(taken.host) == [taken]
    ledger.close()


def test_what_carries_a_secret_does_not_print_it() -> None:
    assert "Zk9v" not in f"{ACCESS!r} {ACCESS}"


@given(ahead_ns=st.integers(-(10**18), 10**18), age_ns=st.integers(-(10**15), 10**15))
def test_moment_is_as_old_as_the_host_says_whatever_its_clock(ahead_ns: int, age_ns: int) -> None:
    ours_ns = 1_700_000_000_000_000_000
    theirs_ns = ours_ns + ahead_ns
    plan = msgspec.structs.replace(PLAN, copied_ns=theirs_ns - age_ns, proven_ns=None)
    (taken,) = in_our_time(BackupReport(wall_ns=theirs_ns, plans=(plan,)), wall_ns=ours_ns)
    assert taken.copied_ns == ours_ns - max(age_ns, 0)
    assert taken.proven_ns is None


def test_report_that_nobody_could_have_made_is_refused() -> None:
    for plans in ((msgspec.structs.replace(PLAN, id="../x"),), (PLAN,) * (PLANS_MAX + 1)):
        with pytest.raises(ProtocolError):
            in_our_time(BackupReport(wall_ns=0, plans=plans), wall_ns=0)


def test_host_keeps_its_way_in_private_files(tmp_path: Path) -> None:
    place = RemotePlace(tmp_path / "repository", "centre.example")
    assert place.repository() is None
    place.save(msgspec.structs.replace(ACCESS, password="p/ä:@"))
    repository = place.repository()
    assert repository is not None
    assert repository.location == "rest:https://centre.example:8444/council-1f2e3d4c/"
    assert repository.location_file is not None
    address = "rest:https://council-1f2e3d4c:p%2F%C3%A4%3A%40@centre.example:8444/council-1f2e3d4c/\n"
    assert repository.location_file.read_text() == address
    assert repository.host == "council-1f2e3d4c"
    assert all(file.stat().st_mode & 0o077 == 0 for file in place.folder.iterdir())
    place.save(msgspec.structs.replace(ACCESS, key=""))
    assert place.key.read_text() == "Zk9v-key\n"


def test_address_of_six_is_bracketed(tmp_path: Path) -> None:
    place = RemotePlace(tmp_path / "repository", "fd00::1")
    place.save(ACCESS)
    repository = place.repository()
    assert repository is not None
    assert repository.location == "rest:https://[fd00::1]:8444/council-1f2e3d4c/"


def test_only_hosts_that_may_come_in_stand_in_the_servers_file(tmp_path: Path) -> None:
    hosts = [Host("a", "s", 0, "{SHA}x"), Host("b", "s", 0), Host("c", "s", 0, "{SHA}y", "quota")]
    accounts.write_accounts(tmp_path / "accounts", hosts)
    assert (tmp_path / "accounts").read_text() == "a:{SHA}x\n"
    # RFC 3112's {SHA}, as `openssl dgst -sha1 -binary | base64` gives it.
    assert accounts.hashed(Secret("secret")) == "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="


def test_act_is_taken_from_its_own_host_alone_and_in_our_time() -> None:
    hosts, ours_ns = ("council-1f2e3d4c", "council"), 1_600_000_000_000_000_000
    report = ActReport(wall_ns=1_700_000_100_000_000_000, record=RECORD)
    taken = record_of(report, hosts=hosts, wall_ns=ours_ns)
    assert ours_ns - taken.ended_ns == 95 * 10**9
    assert taken.ended_ns - taken.began_ns == RECORD.ended_ns - RECORD.began_ns
    foreign = [
        {"host": "school"},
        {"key": KeyUsed.RECOVERY},
        {"number": 0},
        {"schema": 2},
        {"plan": "../x"},
        {"pieces": RECORD.pieces * (PIECES_MAX + 1)},
        {"reason_uk": "х" * 2000},
    ]
    for change in foreign:
        record = msgspec.structs.replace(RECORD, **change)
        with pytest.raises(ProtocolError):
            record_of(ActReport(wall_ns=0, record=record), hosts=hosts, wall_ns=ours_ns)
