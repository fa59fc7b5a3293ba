import hashlib

import pytest

from beket.access.journal import Filter
from beket.access.permit import Actor
from beket.access.relay_passwords import REALM, RelayAccount
from beket.access.roles import Role
from beket.access.store import AccessStore
from beket.kernel.errors import Forbidden, InvalidArgument
from beket.kernel.ids import UserId


def person(store: AccessStore, login: str, role: Role):
    return store.users.create(login, name=login, role=role, password=None, by="test")


def test_only_what_digest_needs_is_kept_and_the_password_is_long_and_easily_typed(store: AccessStore) -> None:
    officer = person(store, "patrol", Role.POLICE)
    password = store.relay_passwords.renew(officer, by="test").reveal()
    assert len(password) == 26
    assert password.isalnum()
    assert password == password.lower()
    clear = f"patrol:{REALM}:{password}".encode()
    (login, account), *others = store.relay_passwords.accounts().items()
    assert not others
    assert login == "patrol"
    assert (account.user, account.md5) == (officer.id, hashlib.md5(clear).hexdigest())
    assert account.sha256 == hashlib.sha256(clear).hexdigest()
    assert account.md5 not in repr(account)


def test_new_password_replaces_the_old_and_is_in_the_journal_without_itself(store: AccessStore) -> None:
    officer = person(store, "patrol", Role.POLICE)
    first = store.relay_passwords.renew(officer, by="test")
    before = store.relay_passwords.accounts()["patrol"]
    second = store.relay_passwords.renew(officer, by="test")
    assert first != second
    assert store.relay_passwords.accounts()["patrol"] != before
    auditor = Actor(user=UserId("a"), login="a", role=Role.AUDITOR, reason="перевірка")
    entries = store.journal.read(auditor, Filter(action="renew-relay-password"))
    assert [entry.event.subject for entry in entries] == ["patrol", "patrol"]
    assert second.reveal() not in repr(entries)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.POLICE])
def test_nobody_but_the_police_gets_one(store: AccessStore, role: Role) -> None:
    with pytest.raises(Forbidden):
        store.relay_passwords.renew(person(store, "somebody", role), by="test")


def test_disabled_account_is_unknown_to_the_relay(store: AccessStore) -> None:
    officer = person(store, "patrol", Role.POLICE)
    store.relay_passwords.renew(officer, by="test")
    store.users.disable(officer.id, reason="left", by="test")
    assert store.relay_passwords.accounts() == {}
    with pytest.raises(InvalidArgument):
        store.relay_passwords.renew(store.users.find("patrol"), by="test")


def test_account_does_not_show_its_hashes() -> None:
    assert "abc" not in f"{RelayAccount(UserId('u'), 'abc', 'abc')}"
