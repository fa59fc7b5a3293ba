"""Command lines of gear as people write them, and as hostile ones do."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.errors import InvalidArgument
from beket.kernel.shell_address import ShellAddress, is_fingerprint, parse_shell_address


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("mikrotik://beket@10.20.1.1", ShellAddress("mikrotik", "beket", "10.20.1.1", 22)),
        ("cisco-ios://reader@sw1.rada.example:2222", ShellAddress("cisco-ios", "reader", "sw1.rada.example", 2222)),
        ("linux://_b.k+1@[fd00::1]:22", ShellAddress("linux", "_b.k+1", "fd00::1", 22)),
    ],
)
def test_family_login_host_and_port_are_told_apart(written: str, meant: ShellAddress) -> None:
    assert parse_shell_address(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "", "10.20.1.1", "mikrotik://10.20.1.1", "mikrotik://beket:S3CRET@10.20.1.1", "mikrotik://b@h:0",
        "mikrotik://b@h:70000", "MikroTik://b@h", "mikrotik://-oProxyCommand=x@h", "mikrotik://b@-oProxyCommand=x",
        "mikrotik://b@h/path", "mikrotik://b@h\n", "mikrotik://b@" + "h" * 500,
    ],
)  # fmt: skip
def test_what_is_none_is_refused_and_never_repeated(written: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        parse_shell_address(written)
    assert "S3CRET" not in refused.value.sentence().uk


@given(st.text(max_size=600))
def test_any_text_is_an_address_or_the_declared_error(text: str) -> None:
    with contextlib.suppress(InvalidArgument):
        shell = parse_shell_address(text)
        assert parse_shell_address(f"{shell.family}://{shell.login}@{shell.host_and_port}") == shell


def test_a_fingerprint_is_what_ssh_programs_print() -> None:
    assert is_fingerprint("SHA256:" + "a" * 43)
    assert not is_fingerprint("")
    assert not is_fingerprint("MD5:aa:bb")
