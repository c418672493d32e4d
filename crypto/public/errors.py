"""What can go wrong with bytes from outside: the closed list of refusals of this package.

Not a diagnosis: a message says which kind of thing was refused and never why in a way that helps an attacker, and
never carries a key, a plaintext or a token. The vectors name the exact fault of each case. Misuse by our own code (a
salt of the wrong length given to `seal`) is a ValueError: our bug, not a peer's. Spec: openapi/protocol/crypto.md.
"""

from __future__ import annotations

PADDING_REASONS = frozenset({"deflate", "truncated", "inflated", "size", "nonzero"})
JWE_REASONS = frozenset({"signed", "form", "algorithm", "inflated"})
CODE_REASONS = frozenset({"length", "alphabet", "mistyped", "swapped"})


class CryptoError(Exception):
    """Something from outside was refused."""

    code = "crypto"  # the word that vectors use as the outcome

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.code.replace("_", " "))


class BadKey(CryptoError):
    """A public key or seed that must not be used."""

    code = "bad_key"


class BadSignature(CryptoError):
    """A signature or signed token that does not hold, whatever the cause."""

    code = "bad_signature"


class CannotOpen(CryptoError):
    """Sealed bytes that do not open: another key, other context, or altered."""

    code = "cannot_open"


class BadParameters(CryptoError):
    """Passphrase parameters outside the bounds that a phone is ready to spend."""

    code = "bad_parameters"


class BadPadding(CryptoError):
    """Opened bytes that are not exactly one padded deflate stream; `reason` is one of PADDING_REASONS."""

    code = "bad_padding"

    def __init__(self, reason: str) -> None:
        assert reason in PADDING_REASONS
        super().__init__(f"bad padding: {reason}")
        self.reason = reason


class BadCode(CryptoError):
    """A typed code that is not one; `reason` is one of CODE_REASONS and says nothing of where in the code."""

    code = "bad_code"

    def __init__(self, reason: str) -> None:
        assert reason in CODE_REASONS
        super().__init__(f"bad code: {reason}")
        self.reason = reason


class BadJwe(CryptoError):
    """Text that is no sealed file of a share; `reason` is one of JWE_REASONS."""

    code = "bad_jwe"

    def __init__(self, reason: str) -> None:
        assert reason in JWE_REASONS
        super().__init__(f"bad JWE: {reason}")
        self.reason = reason
