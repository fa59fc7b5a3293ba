"""Owns RTSP authentication: Basic (RFC 7617) and Digest with MD5 or SHA-256 (RFC 7616, and RFC 2069 of old cameras).

Both sides, without sockets. A password is a `Secret`, revealed only while a digest is computed.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from beket.kernel.errors import ProtocolError
from beket.kernel.secrets import Secret
from beket.kernel.text import say

FIELD_MAX_CHARS = 4096
REALM = "Beket"
_PARAMETER = re.compile(r'([A-Za-z][A-Za-z0-9-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')
_HASHES: dict[str, Callable[[bytes], "hashlib._Hash"]] = {
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False),  # what the protocol prescribes
    "sha-256": hashlib.sha256,
}


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in that a server offers.

    Attributes:
        scheme: "basic" or "digest".
        algorithm: as the server spelled it, echoed back; "" when it named none (then it is MD5).
        qop: "auth", or "" for servers older than RFC 2617.
        stale: the password was right and only the nonce too old.
    """

    scheme: str
    realm: str
    nonce: str = ""
    algorithm: str = ""
    qop: str = ""
    opaque: str = ""
    stale: bool = False

    @property
    def strength(self) -> int:
        """What to prefer when a server offers several: SHA-256, then MD5, then Basic."""
        if self.scheme == "basic":
            return 0
        return 2 if "sha-256" in self.algorithm.lower() else 1


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login and its password."""

    user: str
    password: Secret


def parse_challenge(value: str) -> Challenge | None:
    """One `WWW-Authenticate` value; None for a scheme, an algorithm or a qop that we do not speak."""
    scheme, _, rest = value[:FIELD_MAX_CHARS].strip().partition(" ")
    fields = _parameters(rest)
    if scheme.lower() == "basic":
        return Challenge("basic", fields.get("realm", ""))
    algorithm = fields.get("algorithm", "")
    if scheme.lower() != "digest" or _hash_name(algorithm) not in _HASHES:
        return None
    offered_qop = [word.strip().lower() for word in fields.get("qop", "").split(",") if word.strip()]
    if offered_qop and "auth" not in offered_qop:
        return None
    return Challenge(
        scheme="digest",
        realm=fields.get("realm", ""),
        nonce=fields.get("nonce", ""),
        algorithm=algorithm,
        qop="auth" if offered_qop else "",
        opaque=fields.get("opaque", ""),
        stale=fields.get("stale", "").lower() == "true",
    )


class Authenticator:
    """The client's side: remembers the challenge and answers it for each request."""

    def __init__(self, credentials: Credentials, *, make_nonce: Callable[[], str] | None = None) -> None:
        self._credentials = credentials
        self._make_nonce = make_nonce or (lambda: secrets.token_hex(8))
        self._challenge: Challenge | None = None
        self._count = 0

    def take(self, values: Iterable[str]) -> bool:
        """Take the challenges of a 401; True when the server says that only our nonce was too old.

        Raises:
            ProtocolError: the server offers no way that we speak.
        """
        offered = [challenge for challenge in map(parse_challenge, values) if challenge]
        if not offered:
            raise ProtocolError(
                say(
                    "Камера вимагає вхід способом, якого ми не знаємо.",
                    "The camera asks for a login in a way that we do not speak.",
                ),
                hint=say(
                    "У налаштуваннях камери виберіть RTSP-автентифікацію «digest» або «basic».",
                    "In the camera's settings choose RTSP authentication “digest” or “basic”.",
                ),
            )
        self._challenge = max(offered, key=lambda challenge: challenge.strength)
        self._count = 0
        return self._challenge.stale

    def authorization(self, method: str, url: str) -> str | None:
        """The `Authorization` value for a request, or None before the first challenge."""
        challenge = self._challenge
        if challenge is None:
            return None
        user, password = self._credentials.user, self._credentials.password
        if challenge.scheme == "basic":
            return "Basic " + base64.b64encode(f"{user}:{password.reveal()}".encode()).decode()
        self._count += 1
        asked = _Asked(
            user=user,
            realm=challenge.realm,
            method=method,
            uri=url,
            nonce=challenge.nonce,
            algorithm=challenge.algorithm,
            qop=challenge.qop,
            nc=f"{self._count:08x}",
            cnonce=self._make_nonce(),
        )
        fields = [
            f'username="{_quotable(user)}"',
            f'realm="{_quotable(challenge.realm)}"',
            f'nonce="{_quotable(challenge.nonce)}"',
            f'uri="{_quotable(url)}"',
            f'response="{asked.response(password)}"',
        ]
        if challenge.algorithm:
            fields.append(f"algorithm={challenge.algorithm}")
        if challenge.opaque:
            fields.append(f'opaque="{_quotable(challenge.opaque)}"')
        if challenge.qop or challenge.algorithm.lower().endswith("-sess"):
            fields.append(f'cnonce="{asked.cnonce}"')
        if challenge.qop:
            fields.extend([f"qop={challenge.qop}", f"nc={asked.nc}"])
        return "Digest " + ", ".join(fields)


@dataclass(frozen=True, slots=True)
class Ha1:
    """What a server may keep of a password: H(user:realm:password) for each hash (RFC 7616 §3.4.2), hex.

    It opens what asks with this realm, and nothing else.
    """

    md5: str
    sha256: str

    @classmethod
    def of(cls, user: str, realm: str, password: Secret) -> "Ha1":
        """The hashes of a password."""
        clear = f"{user}:{realm}:{password.reveal()}".encode()
        return cls(*(_HASHES[name](clear).hexdigest() for name in ("md5", "sha-256")))

    def __repr__(self) -> str:
        return "Ha1(•••)"


class Gate:
    """The server's side, for one connection: its nonce lives as long as the connection, so nothing can be replayed.

    `check` gives the password of a user or its hashes, which Basic cannot use; None for nobody. `ways` are offered in
    this order; software that reads only the last challenge knows MD5 at best, so MD5 comes last.
    """

    def __init__(
        self,
        check: Callable[[str], Secret | Ha1 | None],
        *,
        realm: str = REALM,
        ways: tuple[str, ...] = ("MD5",),
        nonce: str | None = None,
    ) -> None:
        self._check = check
        self._realm = realm
        self._ways = ways
        self._nonce = nonce or secrets.token_hex(16)
        self._stale = False

    def challenges(self) -> list[str]:
        """The `WWW-Authenticate` values of a 401."""
        stale = ", stale=true" if self._stale else ""
        return [
            f'Basic realm="{self._realm}"'
            if way == "Basic"
            else f'Digest realm="{self._realm}", nonce="{self._nonce}", algorithm={way}, qop="auth"{stale}'
            for way in self._ways
        ]

    def admit(self, method: str, authorization: str) -> str | None:
        """The user who proved a password with this `Authorization` value, or None."""
        scheme, _, rest = authorization[:FIELD_MAX_CHARS].strip().partition(" ")
        self._stale = False
        if scheme.lower() == "basic" and "Basic" in self._ways:
            return self._admit_basic(rest)
        if scheme.lower() != "digest":
            return None
        fields = _parameters(rest)
        asked = _Asked(
            user=fields.get("username", ""),
            realm=self._realm,
            method=method,
            uri=fields.get("uri", ""),
            nonce=fields.get("nonce", ""),
            algorithm=fields.get("algorithm", ""),
            qop=fields.get("qop", ""),
            nc=fields.get("nc", ""),
            cnonce=fields.get("cnonce", ""),
        )
        if _hash_name(asked.algorithm) not in {_hash_name(way) for way in self._ways if way != "Basic"}:
            return None
        # An unknown user costs the same work as a known one.
        password = self._check(asked.user)
        right = secrets.compare_digest(
            asked.response(password or Secret(self._nonce)).encode(), fields.get("response", "").encode()
        )
        if not right or password is None:
            return None
        if asked.nonce != self._nonce:
            self._stale = True
            return None
        return asked.user

    def _admit_basic(self, encoded: str) -> str | None:
        try:
            user, colon, given = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return None
        password = self._check(user)
        return user if colon and isinstance(password, Secret) and password == Secret(given) else None


@dataclass(frozen=True, slots=True)
class _Asked:
    """Everything but the password that a digest response is computed from."""

    user: str
    realm: str
    method: str
    uri: str
    nonce: str
    algorithm: str
    qop: str
    nc: str
    cnonce: str

    def response(self, password: Secret | Ha1) -> str:
        name = _hash_name(self.algorithm)
        make = _HASHES[name]

        def digest(*parts: str) -> str:
            return make(":".join(parts).encode()).hexdigest()

        known = password if isinstance(password, Ha1) else Ha1.of(self.user, self.realm, password)
        who = known.md5 if name == "md5" else known.sha256
        if self.algorithm.lower().endswith("-sess"):
            who = digest(who, self.nonce, self.cnonce)
        what = digest(self.method, self.uri)
        if self.qop:
            return digest(who, self.nonce, self.nc, self.cnonce, self.qop, what)
        return digest(who, self.nonce, what)


def _parameters(text: str) -> dict[str, str]:
    return {
        match[1].lower(): re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
        for match in _PARAMETER.finditer(text)
    }


def _hash_name(algorithm: str) -> str:
    return (algorithm or "MD5").lower().removesuffix("-sess")


def _quotable(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
