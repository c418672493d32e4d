"""Sealing changes into a frame, and opening one.

    PRK = HKDF-Extract(32 random bytes of salt, epoch key);  key ‖ nonce = Expand("frame" ‖ H(header));  AES-256-GCM

The header is the associated data. The plaintext is deflated and padded before it is sealed. The salt is random and
never a counter: a phone that was restored from a backup must not repeat a nonce. Spec: openapi/protocol/frames.md.
"""

from __future__ import annotations

from crypto.public.errors import CryptoError
from crypto.secret import aead
from crypto.secret.padding import compress_and_pad, unpad_and_inflate
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.vault.content import ContentVoid
from sync.wire.codec import encode
from sync.wire.item import FRAME, FRAME_LABEL, Frame, FrameHeader, Item
from sync.wire.limits import FRAME_INFLATED_BYTES_MAX

CONTENT_LABEL = "frame"


def seal_frame(header: FrameHeader, inside: bytes, epoch_key: Secret, salt: bytes, signing: SigningKey) -> Item:
    """A signed frame. `salt`: 32 fresh random bytes."""
    ciphertext = aead.seal(epoch_key, CONTENT_LABEL, encode(header), compress_and_pad(inside), salt)
    signed = encode(Frame(header, salt, ciphertext))
    return Item(FRAME, signed, signing.sign(FRAME_LABEL, signed))


def open_frame(frame: Frame, epoch_key: Secret) -> bytes:
    """What is inside a frame. Raises: ContentVoid with reason open, decode or limits."""
    try:
        padded = aead.open_(epoch_key, CONTENT_LABEL, encode(frame.header), frame.ciphertext, frame.salt)
    except CryptoError as error:
        raise ContentVoid("open") from error
    try:
        return unpad_and_inflate(padded, inflated_bytes_max=FRAME_INFLATED_BYTES_MAX)
    except CryptoError as error:
        raise ContentVoid("limits" if getattr(error, "reason", "") == "inflated" else "decode") from error
