"""Chapter crypto against openapi/vectors/crypto, and those files against what writes them."""

import json

import pytest
from cryptography.exceptions import InvalidTag

from crypto.public import jws, keys, signatures
from crypto.public.errors import BadCode, BadPadding, CryptoError
from crypto.public.hashing import labelled_hash, signed_input
from crypto.public.passphrase import derive_key
from crypto.secret import aead, kdf, link_code, padding, recovery_code
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from tests.vectors import generate_crypto, rival_hpke
from tests.vectors.generate_crypto import VECTORS

OUTCOMES = {"ok", "bad_key", "bad_signature", "cannot_open", "bad_parameters", "bad_padding", "bad_code"}


def load(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


def hexed(**values):
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in values.items()}


def unhexed(given, *names):
    return [bytes.fromhex(given[name]) for name in names]


def find_key(given):
    def find(kid):
        key = given["keys"][kid]
        return key["key_type"], bytes.fromhex(key["public_key"])

    return find


def op_hash(given):
    return hexed(hash=labelled_hash(given["label"], *map(bytes.fromhex, given["parts"])))


def op_signed_input(given):
    return hexed(signed=signed_input(given["label"], *unhexed(given, "message")))


def op_check_signing_key(given):
    keys.check_signing_key(given["key_type"], *unhexed(given, "public_key"))


def op_check_kem_key(given):
    keys.check_kem_key(*unhexed(given, "public_key"))


def op_verify(given):
    key, message, signature = unhexed(given, "public_key", "message", "signature")
    signatures.verify(given["key_type"], key, given["label"], message, signature)


def op_verify_raw(given):
    signatures.verify_raw(given["key_type"], *unhexed(given, "public_key", "signed", "signature"))


def op_token(given):
    return {"claims": jws.verify(given["token"], typ=given["typ"], find_key=find_key(given))}


def op_signing_key(given):
    key = SigningKey.from_seed(given["key_type"], Secret(*unhexed(given, "seed")))
    return hexed(public_key=key.public_key)


def op_sign(given):
    key = SigningKey.from_seed(given["key_type"], Secret(*unhexed(given, "seed")))
    return hexed(signature=key.sign(given["label"], *unhexed(given, "message")))


def op_kem_key(given):
    return hexed(public_key=KemKey.from_seed(Secret(*unhexed(given, "seed"))).public_key)


def op_xwing_decapsulate(given):
    return hexed(shared=rival_hpke.xwing_decapsulate(*unhexed(given, "seed", "enc")))


def op_open_kem(given):
    seed, info, sealed = unhexed(given, "seed", "info", "sealed")
    return hexed(plaintext=KemKey.from_seed(Secret(seed)).open(info, sealed))


def op_derive(given):
    key, context, salt = unhexed(given, "key", "context", "salt")
    return hexed(derived=kdf.derive(Secret(key), given["label"], context, given["length"], salt))


def op_epoch_id(given):
    return hexed(epoch_id=kdf.epoch_id(Secret(*unhexed(given, "key"))))


def op_seal(given):
    key, header, plaintext, salt = unhexed(given, "key", "header", "plaintext", "salt")
    return hexed(ciphertext=aead.seal(Secret(key), given["label"], header, plaintext, salt))


def op_open(given):
    key, header, ciphertext, salt = unhexed(given, "key", "header", "ciphertext", "salt")
    return hexed(plaintext=aead.open_(Secret(key), given["label"], header, ciphertext, salt))


def op_store_seal(given):
    key, nonce, aad, plaintext = unhexed(given, "key", "nonce", "aad", "plaintext")
    return hexed(sealed=aead.StoreCipher(Secret(key)).seal(nonce, aad, plaintext))


def op_store_open(given):
    key, aad, sealed = unhexed(given, "key", "aad", "sealed")
    return hexed(plaintext=aead.StoreCipher(Secret(key)).open(aad, sealed))


def op_padded_size(given):
    return {"size": padding.padded_size(given["bytes"])}


def op_unpad(given):
    cap = given["inflated_bytes_max"]
    return hexed(plaintext=padding.unpad_and_inflate(*unhexed(given, "padded"), inflated_bytes_max=cap))


def op_recovery_encode(given):
    return {"text": recovery_code.encode(*unhexed(given, "entropy"))}


def op_recovery_parse(given):
    return hexed(entropy=recovery_code.parse(given["text"]).reveal())


def op_recovery_keys(given):
    signing, kem = recovery_code.keys(Secret(*unhexed(given, "entropy")))
    assert signing.key_type == keys.ED25519
    return hexed(
        signing_seed=signing.seed.reveal(),
        signing_key=signing.public_key,
        kem_seed=kem.seed.reveal(),
        kem_key=kem.public_key,
    )


def op_link_encode(given):
    return {"text": link_code.encode(*unhexed(given, "secret", "id_prefix"))}


def op_link_parse(given):
    secret, prefix = link_code.parse(given["text"])
    return hexed(secret=secret.reveal(), id_prefix=prefix)


def op_link_rendezvous(given):
    place, key = link_code.rendezvous(Secret(*unhexed(given, "secret")))
    return hexed(id=place, key=key.reveal())


def op_derive_key(given):
    numbers = {name: given[name] for name in ("memory_kib", "iterations", "lanes", "length")}
    return hexed(key=derive_key(*unhexed(given, "passphrase", "salt"), **numbers))


# Three files have operations of the same name as others; theirs carry the file's word.
WORDS = {"sealing": {"open": "open_kem"}} | {
    f"{word}_code": {op: f"{word}_{op}" for op in ("encode", "parse", "keys", "rendezvous")}
    for word in ("recovery", "link")
}


def run(file, case):
    """The outcome, reason and output of a case, as this package has them."""
    given = case["input"]
    operation = globals()["op_" + WORDS.get(file, {}).get(given["op"], given["op"])]
    try:
        return "ok", None, operation(given)
    except (BadCode, BadPadding) as refusal:
        return refusal.code, refusal.reason, None
    except CryptoError as refusal:
        return refusal.code, None, None


CASES = [
    pytest.param(file, case, id=f"{file}: {case['name']}")
    for file in generate_crypto.FILES
    for case in load(file)["cases"]
]


@pytest.mark.parametrize(("file", "case"), CASES)
def test_a_case_comes_out_as_the_file_says(file, case):
    assert case["outcome"] in OUTCOMES
    assert run(file, case) == (case["outcome"], case.get("reason"), case.get("output"))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in load("sealing")["cases"]])
def test_an_independent_hpke_agrees_about_what_opens(case):
    """CRY-9: the library's single-shot interface is RFC 9180 with KEM 0x647a."""
    arguments = unhexed(case["input"], "seed", "info", "sealed")
    if case["outcome"] == "ok":
        assert rival_hpke.hpke_open(*arguments).hex() == case["output"]["plaintext"]
    else:
        with pytest.raises((InvalidTag, ValueError)):
            rival_hpke.hpke_open(*arguments)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in load("derivation")["cases"]])
def test_an_independent_hkdf_agrees(case):
    """CRY-10, CRY-11."""
    given = {"label": "epoch id", "context": "", "salt": "", "length": 32} | case["input"]
    key, context, salt = unhexed(given, "key", "context", "salt")
    info = b"carnet/1/" + given["label"].encode() + b"\0" + context
    okm = rival_hpke.hkdf_expand(rival_hpke.hkdf_extract(salt, key), info, given["length"])
    assert [okm.hex()] == list(case["output"].values())


def test_the_committed_files_are_what_the_generator_gives():
    drifted = [
        name
        for name, document in generate_crypto.described()
        if (VECTORS / name).read_text() != generate_crypto.written(document)
    ]
    assert drifted == []


def test_no_file_lies_beside_those_that_are_generated():
    assert {path.stem for path in VECTORS.iterdir()} == set(generate_crypto.FILES)


def test_every_name_is_unique_in_its_file():
    for file in generate_crypto.FILES:
        names = [case["name"] for case in load(file)["cases"]]
        assert len(names) == len(set(names))
