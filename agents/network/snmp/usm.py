"""Owns SNMPv3 messages under the User-based Security Model: keys, signing, sealing, what a report means. Sans-I/O.

A `Session` is what we know of one device's SNMP engine for one user: its id, its clock, the localized keys. It composes
questions and opens answers; an answer that cannot be shown to come from the device is `Untrusted` and counts as none.
SHA-1 and SHA-2, AES-128; older algorithms are another back end's.
Source: RFC 3412, RFC 3414, RFC 3826, RFC 7860. Note: agents/design/0030-snmpv3.md.
"""

import functools
import hashlib
import hmac
from enum import Enum
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from agents.network.snmp.ber import (
    NUMBER_MAX_OCTETS,
    TAG_INTEGER,
    TAG_OCTETS,
    TAG_SEQUENCE,
    WrongShape,
    integer,
    open_element,
    read_elements,
    tlv,
)
from agents.network.snmp.codec import PDU_REPORT, PDU_RESPONSE, Head, Malformed, Pdu, encode_pdu, read_pdu
from agents.network.snmp.credentials import Auth, Priv, V3User
from agents.network.snmp.oid import parse_oid
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import Unauthenticated
from beket.kernel.secrets import Secret
from beket.kernel.text import Text, say

# How far apart two clocks of one engine may be (RFC 3414 §2.2.3).
TIME_WINDOW_S = 150
_PASSWORD_STRETCH_BYTES = 1024 * 1024
_AES_BLOCK_BYTES = 16
_SALT_BYTES = 8

_AUTH, _PRIV, _REPORTABLE = 1, 2, 4
# msgID follows the first bytes; then msgMaxSize 65507, msgFlags, msgSecurityModel 3.
_GLOBAL = b"\x30\x11\x02\x04%b\x02\x03\x00\xff\xe3\x04\x01%c\x02\x01\x03"
_VERSION = b"\x02\x01\x03"
_TAGS_OF_PARAMS = bytes((TAG_OCTETS, TAG_INTEGER, TAG_INTEGER, TAG_OCTETS, TAG_OCTETS, TAG_OCTETS))


class _Signing(NamedTuple):
    digest: str
    kept_bytes: int


_SIGNING = {
    Auth.SHA1: _Signing("sha1", 12),
    Auth.SHA224: _Signing("sha224", 16),
    Auth.SHA256: _Signing("sha256", 24),
    Auth.SHA384: _Signing("sha384", 32),
    Auth.SHA512: _Signing("sha512", 48),
}


def speaks(user: V3User) -> bool:
    """Whether this module knows the user's algorithms."""
    return (user.auth is Auth.NONE or user.auth in _SIGNING) and user.priv in (Priv.NONE, Priv.AES128)


class Report(Enum):
    """What a device may report instead of an answer (RFC 3414 §5, RFC 3412 §5, RFC 3413 §4.1.2), by counter."""

    UNSUPPORTED_LEVEL = parse_oid("1.3.6.1.6.3.15.1.1.1.0")
    NOT_IN_TIME_WINDOW = parse_oid("1.3.6.1.6.3.15.1.1.2.0")
    UNKNOWN_USER = parse_oid("1.3.6.1.6.3.15.1.1.3.0")
    UNKNOWN_ENGINE = parse_oid("1.3.6.1.6.3.15.1.1.4.0")
    WRONG_DIGEST = parse_oid("1.3.6.1.6.3.15.1.1.5.0")
    DECRYPTION = parse_oid("1.3.6.1.6.3.15.1.1.6.0")
    UNKNOWN_MODEL = parse_oid("1.3.6.1.6.3.11.2.1.1.0")
    UNAVAILABLE_CONTEXT = parse_oid("1.3.6.1.6.3.12.1.4.0")
    UNKNOWN_CONTEXT = parse_oid("1.3.6.1.6.3.12.1.5.0")
    OTHER = b""

    @classmethod
    def _missing_(cls, value: object) -> "Report":
        return cls.OTHER


class Envelope(NamedTuple):
    """A message as it came, its content still closed; `scope_at` is where that begins in `data`."""

    data: bytes
    message_id: int
    level: int
    engine_id: bytes
    boots: int
    time_s: int
    user: bytes
    digest: bytes
    digest_at: int
    salt: bytes
    scope_at: int
    end: int


class Reported(Exception):
    """Instead of an answer a report came, of the engine and clock that `envelope` names."""

    def __init__(self, report: Report, envelope: Envelope) -> None:
        super().__init__(report.name)
        self.report = report
        self.envelope = envelope


class Untrusted(Exception):
    """A message that need not come from the device: wrong digest, weaker than the question, another engine, too old."""


class Refused(Unauthenticated):
    """The device speaks SNMPv3 and will not have our user; `report` is what it said."""

    def __init__(self, report: Report, host: str) -> None:
        what, hint = _WORDS.get(report, _WORDS[Report.OTHER])
        super().__init__(what, subject=host, hint=hint)
        self.report = report


def is_v3(data: bytes) -> bool:
    """Whether a datagram says that it is an SNMPv3 message."""
    if len(data) < 2:
        return False
    octets_of_length = data[1] & 0x7F if data[1] > 0x7F else 0
    return data.startswith(_VERSION, 2 + octets_of_length)


def read_envelope(data: bytes) -> Envelope:
    """Read a v3 datagram up to its content.

    Raises:
        Malformed: (a ProtocolError) it is not a whole message of the User-based Security Model.
    """
    message_id = None
    try:
        _, at, end = open_element(data, 0, TAG_SEQUENCE)
        _, at, at_params = open_element(data, at + len(_VERSION), TAG_SEQUENCE)
        fields = read_elements(data, at, at_params)
        (_, at, to), _, (_, at_flags, _), *_ = fields
        message_id = int.from_bytes(data[at:to])
        _, at, at_scope = open_element(data, at_params, TAG_OCTETS)
        ((_, at, to),) = read_elements(data, at, at_scope)
        params = read_elements(data, at, to)
        tags = bytes([tag for tag, _, _ in params])
        engine_id, boots, time_s, user, digest, salt = [data[at:to] for _, at, to in params]
    except IndexError:
        raise Malformed("cut short", message_id) from None
    except WrongShape as error:
        raise Malformed(str(error), message_id) from None
    except ValueError:
        raise Malformed("other fields than those of the User-based Security Model", message_id) from None
    if tags != _TAGS_OF_PARAMS or len(boots) > NUMBER_MAX_OCTETS or len(time_s) > NUMBER_MAX_OCTETS:
        raise Malformed("other fields than those of the User-based Security Model", message_id)
    if end > len(data) or at_scope > end:
        raise Malformed("cut short", message_id)
    return Envelope(
        data,
        message_id,
        data[at_flags] & (_AUTH | _PRIV),
        engine_id,
        int.from_bytes(boots),
        int.from_bytes(time_s),
        user,
        digest,
        params[4][1],
        salt,
        at_scope,
        end,
    )


class Session:
    """One user's view of one device's engine.

    Until the device's engine id is known, `seal` makes the question that finds it out; the answer is `Reported`, and
    `learn` takes the id from it.
    """

    def __init__(self, user: V3User, clock: Clock, *, salt: int) -> None:
        """`salt` is where the numbers of encrypted messages begin: 64 random bits."""
        self.user = user
        self.engine_id = b""
        self._clock = clock
        self._salt = salt
        self._name = user.name.encode()
        self._level = (_AUTH if user.auth is not Auth.NONE else 0) | (_PRIV if user.priv is not Priv.NONE else 0)
        self._signer: _Signer | None = None
        self._cipher: _AesCfb | None = None
        self._boots = 0
        self._time_s = 0
        self._learned_ns = 0
        # What is the same in every message to this engine.
        self._scope = self._params_before = self._params_after = b""

    def forget(self) -> None:
        """Find the engine out anew with the next question."""
        self.engine_id = b""

    def seal(self, message_id: int, pdu: bytes) -> bytes:
        """The message around a question of `codec.encode_pdu`; with no engine known, the one that finds it out."""
        head = _GLOBAL % (message_id.to_bytes(4), _REPORTABLE | (self._level if self.engine_id else 0))
        if not self.engine_id:
            nothing = tlv(TAG_OCTETS, b"\x30\x0e\x04\x00\x02\x01\x00\x02\x01\x00\x04\x00\x04\x00\x04\x00")
            empty = tlv(TAG_SEQUENCE, b"\x04\x00\x04\x00" + encode_pdu(Pdu.GET, message_id, ()))
            return tlv(TAG_SEQUENCE, _VERSION + head + nothing + empty)
        content = tlv(TAG_SEQUENCE, self._scope + pdu)
        boots, time_s = self._boots, self._now_s()
        salt = b""
        if self._cipher:
            self._salt = (self._salt + 1) % 2**64
            salt = self._salt.to_bytes(_SALT_BYTES)
            iv = boots.to_bytes(4) + time_s.to_bytes(4) + salt
            content = tlv(TAG_OCTETS, self._cipher.encrypt(iv, content))
        params = self._params_before + integer(boots) + integer(time_s) + self._params_after + salt
        message = tlv(TAG_SEQUENCE, _VERSION + head + tlv(TAG_OCTETS, tlv(TAG_SEQUENCE, params)) + content)
        if not self._signer:
            return message
        digest_at = len(message) - len(content) - len(salt) - 2 - self._signer.kept_bytes
        return message[:digest_at] + self._signer.sign(message) + message[digest_at + self._signer.kept_bytes :]

    def open(self, envelope: Envelope) -> Head:
        """The answer in a message.

        Raises:
            Reported: it holds a report, or the first word of an engine not known so far.
            Untrusted: nothing shows that it comes from the device; wait on.
            Malformed: it is no answer.
        """
        if not self.engine_id:
            raise Reported(Report.UNKNOWN_ENGINE, envelope)
        if envelope.level & _AUTH:
            self._check_digest(envelope)
        is_report, head = self._read_scope(envelope)
        if is_report:
            raise Reported(Report(_first_name(head)), envelope)
        if envelope.level != self._level or (envelope.engine_id, envelope.user) != (self.engine_id, self._name):
            raise Untrusted("of another level, engine or user")
        if self._signer:
            self._check_time(envelope)
        if head.request_id != envelope.message_id:
            raise Malformed("an answer to another question in the envelope of this one", envelope.message_id)
        return head

    def learn(self, reported: Reported) -> bool:
        """Take from a report what makes asking again worth while; False when it is a plain refusal."""
        envelope = reported.envelope
        if not self.engine_id or reported.report is Report.UNKNOWN_ENGINE:
            if not envelope.engine_id:
                return False
            if envelope.engine_id != self.engine_id:
                self._meet(envelope.engine_id)
                self._set_clock(envelope)  # a guess: a wrong one is corrected by a signed report
            return True
        # The signed report repeats the random id of our question, so it is fresh even where it turns the clock back, as
        # gear does that does not count its own starts.
        if reported.report is Report.NOT_IN_TIME_WINDOW and envelope.level & _AUTH:
            self._set_clock(envelope)
            return True
        return False

    def _meet(self, engine_id: bytes) -> None:
        user, signing = self.user, _SIGNING.get(self.user.auth)
        self.engine_id = engine_id
        self._scope = tlv(TAG_OCTETS, engine_id) + tlv(TAG_OCTETS, user.context.encode())
        if signing and user.auth_password:
            key = localized_key(signing.digest, user.auth_password, engine_id)
            self._signer = _Signer(key, signing)
            if user.priv_password:
                key = localized_key(signing.digest, user.priv_password, engine_id)
                self._cipher = _AesCfb(key[:16])
        kept = self._signer.kept_bytes if self._signer else 0
        self._params_before = tlv(TAG_OCTETS, engine_id)
        self._params_after = tlv(TAG_OCTETS, self._name) + tlv(TAG_OCTETS, bytes(kept))
        self._params_after += bytes((TAG_OCTETS, _SALT_BYTES if self._cipher else 0))

    def _set_clock(self, envelope: Envelope) -> None:
        self._boots = envelope.boots & 0x7FFF_FFFF
        self._time_s = envelope.time_s & 0x7FFF_FFFF
        self._learned_ns = self._clock.mono_ns()

    def _now_s(self) -> int:
        return min(self._time_s + (self._clock.mono_ns() - self._learned_ns) // NS_PER_S, 0x7FFF_FFFF)

    def _check_time(self, envelope: Envelope) -> None:
        # RFC 3414 §3.2 7b, the side of the one who asks.
        if (envelope.boots, envelope.time_s) > (self._boots, self._time_s):
            self._set_clock(envelope)
        elif envelope.boots < self._boots or envelope.time_s < self._now_s() - TIME_WINDOW_S:
            raise Untrusted("too old")

    def _check_digest(self, envelope: Envelope) -> None:
        data, at, digest = envelope.data, envelope.digest_at, envelope.digest
        if not self._signer:
            raise Untrusted("signed, and we have no key")
        signed = data[:at] + bytes(len(digest)) + data[at + len(digest) : envelope.end]
        if not hmac.compare_digest(self._signer.sign(signed), digest):
            raise Untrusted("a wrong digest")

    def _read_scope(self, envelope: Envelope) -> tuple[bool, Head]:
        data, at, end, message_id = envelope.data, envelope.scope_at, envelope.end, envelope.message_id
        try:
            if envelope.level & _PRIV:
                if not self._cipher or len(envelope.salt) != _SALT_BYTES or not envelope.level & _AUTH:
                    raise Untrusted("encrypted in a way that was not agreed")
                _, at, end = open_element(data, at, TAG_OCTETS)
                iv = (envelope.boots & 0xFFFF_FFFF).to_bytes(4) + (envelope.time_s & 0xFFFF_FFFF).to_bytes(4)
                data, at = self._cipher.decrypt(iv + envelope.salt, data[at:end]), 0
                end = len(data)
            _, at, end_of_scope = open_element(data, at, TAG_SEQUENCE)
            if end_of_scope > end:
                raise Malformed("cut short", message_id)
            _, _, at = open_element(data, at, TAG_OCTETS)
            _, _, at = open_element(data, at, TAG_OCTETS)
            is_report = data[at] == PDU_REPORT
        except IndexError:
            raise Malformed("cut short", message_id) from None
        except WrongShape as error:
            raise Malformed(str(error), message_id) from None
        return is_report, read_pdu(data, at, end_of_scope, PDU_REPORT if is_report else PDU_RESPONSE)


def localized_key(digest: str, password: Secret, engine_id: bytes) -> bytes:
    """A password made into a key for one engine (RFC 3414 §2.6, §A.2)."""
    key = _stretched(digest, password.reveal().encode())
    return hashlib.new(digest, key + engine_id + key).digest()


# Costs milliseconds, and many devices share a password.
@functools.lru_cache(maxsize=32)
def _stretched(digest: str, words: bytes) -> bytes:
    times = -(-_PASSWORD_STRETCH_BYTES // len(words))
    return hashlib.new(digest, (words * times)[:_PASSWORD_STRETCH_BYTES]).digest()


class _Signer:
    """HMAC of whole messages, cut as RFC 3414 §6 and RFC 7860 §4 say."""

    def __init__(self, key: bytes, signing: _Signing) -> None:
        self.kept_bytes = signing.kept_bytes
        self._keyed = hmac.new(key, None, signing.digest)

    def sign(self, message: bytes) -> bytes:
        signature = self._keyed.copy()  # cheaper than setting up a key for each message
        signature.update(message)
        return signature.digest()[: self.kept_bytes]


class _AesCfb:
    """AES in CFB-128 (RFC 3826 §3.1): made of the plain block cipher, which needs no setting up for each message."""

    def __init__(self, key: bytes) -> None:
        self._encrypt_blocks = Cipher(AES(key), ECB()).encryptor().update  # noqa: S305 # the chaining is below

    def encrypt(self, iv: bytes, text: bytes) -> bytes:
        size, block, from_bytes = len(text), iv, int.from_bytes
        padded = text + bytes(-size % _AES_BLOCK_BYTES)
        sealed = []
        for at in range(0, size, _AES_BLOCK_BYTES):
            number = from_bytes(padded[at : at + _AES_BLOCK_BYTES]) ^ from_bytes(self._encrypt_blocks(block))
            block = number.to_bytes(_AES_BLOCK_BYTES)
            sealed.append(block)
        return b"".join(sealed)[:size]

    def decrypt(self, iv: bytes, sealed: bytes) -> bytes:
        # Each block's mask is the cipher of the sealed block before it, so all of them are made in one call.
        size = len(sealed)
        mask = self._encrypt_blocks((iv + sealed)[: -(-size // _AES_BLOCK_BYTES) * _AES_BLOCK_BYTES])
        return (int.from_bytes(sealed) ^ int.from_bytes(mask[:size])).to_bytes(size)


def _first_name(head: Head) -> bytes:
    for name, _, _ in head.varbinds():
        return name
    return b""


_CHECK_USER = say(
    "Перевірте файл секрету пристрою й користувача SNMPv3 на самому пристрої.",
    "Check the device's secret file and the SNMPv3 user on the device itself.",
)
_WORDS: dict[Report, tuple[Text, Text]] = {
    Report.UNKNOWN_USER: (
        say("Пристрій не знає такого користувача SNMPv3.", "The device does not know this SNMPv3 user."),
        say(
            "Перевірте ім'я «user» у файлі секрету або створіть такого користувача на пристрої.",
            "Check the name “user” in the secret file, or make this user on the device.",
        ),
    ),
    Report.WRONG_DIGEST: (
        say("Пристрій не прийняв підпису SNMPv3.", "The device did not accept our SNMPv3 signature."),
        say(
            "Перевірте «auth_password» і «auth» у файлі секрету: пароль і спосіб мають бути як на пристрої.",
            "Check “auth_password” and “auth” in the secret file: both must be as on the device.",
        ),
    ),
    Report.DECRYPTION: (
        say("Пристрій не зміг розшифрувати запит SNMPv3.", "The device could not decrypt our SNMPv3 question."),
        say(
            "Перевірте «priv_password» і «priv» у файлі секрету: пароль і спосіб мають бути як на пристрої.",
            "Check “priv_password” and “priv” in the secret file: both must be as on the device.",
        ),
    ),
    Report.UNSUPPORTED_LEVEL: (
        say(
            "Пристрій не дає цьому користувачеві SNMPv3 такого захисту: підпис або шифрування в нього інші.",
            "The device does not offer this SNMPv3 user such protection: its signing or encryption differs.",
        ),
        say(
            "Зробіть «auth» і «priv» у файлі секрету такими, як у користувача на пристрої.",
            "Make “auth” and “priv” in the secret file the same as the user's on the device.",
        ),
    ),
    Report.NOT_IN_TIME_WINDOW: (
        say(
            "Пристрій плутається у власному часі SNMPv3 й не приймає запитів.",
            "The device is confused about its own SNMPv3 clock and takes no questions.",
        ),
        say("Перезапустіть пристрій або оновіть його прошивку.", "Restart the device or update its firmware."),
    ),
    Report.UNKNOWN_ENGINE: (
        say(
            "Пристрій не називає свого рушія SNMPv3 або щоразу називає інший.",
            "The device does not name its SNMPv3 engine, or names another each time.",
        ),
        say("Перезапустіть пристрій або оновіть його прошивку.", "Restart the device or update its firmware."),
    ),
    Report.UNKNOWN_CONTEXT: (
        say("Пристрій не знає такого контексту SNMPv3.", "The device does not know this SNMPv3 context."),
        say("Перевірте «context» у файлі секрету.", "Check “context” in the secret file."),
    ),
    Report.OTHER: (say("Пристрій відмовив нам за SNMPv3.", "The device refused us under SNMPv3."), _CHECK_USER),
}
