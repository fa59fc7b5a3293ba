import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.network.snmp.credentials import Auth, Priv, V3User, parse_v3_user
from beket.kernel.errors import InvalidConfig
from beket.kernel.secrets import Secret

WHOLE = """
user = "beket"
auth = "sha256"
auth_password = "signing-words"
priv = "aes128"
priv_password = "sealing-words"
context = "vlan-7"
"""


def test_a_user_is_read_whole() -> None:
    assert parse_v3_user(Secret(WHOLE), "snmp-school") == V3User(
        "beket", Auth.SHA256, Secret("signing-words"), Priv.AES128, Secret("sealing-words"), "vlan-7"
    )


def test_a_user_may_have_no_passwords_at_all() -> None:
    assert parse_v3_user(Secret('user = "public"'), "x") == V3User("public")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hunter2-hunter2", ["TOML"]),
        ('auth = "sha256"', ["user", "auth_password"]),
        (WHOLE.replace("sha256", "hunter2-hunter2"), ["auth", "sha512"]),
        (WHOLE.replace("aes128", "rot13"), ["priv", "aes128"]),
        (WHOLE.replace("priv_password", "privpassword"), ["priv_password"]),
        (WHOLE.replace('"signing-words"', '"hunter2"'), ["auth_password", "8"]),
        (WHOLE.replace('"signing-words"', "12345678"), ["auth_password"]),
        (WHOLE.replace('"sha256"', '"none"'), ["priv", "auth"]),
        (WHOLE.replace('"beket"', f'"{"я" * 17}"'), ["user", "32"]),
        (WHOLE + 'hunter2 = "x"', ["context"]),
        ("user = " + "[" * 100_000, ["TOML"]),
    ],
)
def test_a_mistake_is_named_by_its_key_and_the_password_never(text: str, words: list[str]) -> None:
    with pytest.raises(InvalidConfig) as caught:
        parse_v3_user(Secret(text), "snmp-school")
    sentence = caught.value.sentence()
    assert caught.value.subject == "snmp-school"
    assert all(word in sentence.uk for word in words)
    assert "hunter2" not in sentence.uk + sentence.en + repr(caught.value)


@given(st.dictionaries(st.sampled_from(["user", "auth", "auth_password", "priv", "priv_password", "x"]), st.text()))
def test_any_text_is_a_user_or_a_mistake(lines: dict[str, str]) -> None:
    text = "\n".join(f"{key} = {json.dumps(value)}" for key, value in lines.items())
    try:
        user = parse_v3_user(Secret(text), "x")
    except InvalidConfig:
        return
    assert user.name == lines["user"]
