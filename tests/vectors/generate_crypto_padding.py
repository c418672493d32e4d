"""The cases of padding.json. Deflate streams are written bit by bit, so that no compressor's taste is in the files."""

from crypto.secret.padding import padded_size
from tests.vectors.vector_case import case, drawn


def stored(data, final=True):
    """A stored block (RFC 1951 §3.2.4)."""
    return bytes([final]) + len(data).to_bytes(2, "little") + (len(data) ^ 0xFFFF).to_bytes(2, "little") + data


def zeros(matches):
    """A fixed block (§3.2.6) of one zero byte and matches of 258 at distance 1: 1 + 258 · matches zero bytes."""
    bits = "1" + "10" + "00110000" + ("11000101" + "00000") * matches + "0000000"
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8][::-1], 2) for i in range(0, len(bits), 8))


def padded(stream, size=None, filler=b"\0"):
    return stream.ljust(size or padded_size(len(stream)), filler)


SIZES = {
    0: 256, 255: 256, 256: 256, 257: 272, 272: 272, 273: 288, 511: 512, 512: 512, 513: 544, 1_000: 1_024, 1_023: 1_024,
    1_025: 1_088, 65_535: 65_536, 65_536: 65_536, 65_537: 67_584, 1_000_000: 1_015_808, 1_048_577: 1_081_344,
}  # fmt: skip  # bytes of the stream, and padded


def padding():
    for number, size in SIZES.items():
        yield case(f"the size of {number:,}", "CRY-16", "padded_size", {"bytes": number}, {"size": size})

    def unpadded(name, whole, plaintext=None, reason=None, cap=65_536):
        given = {"padded": whole, "inflated_bytes_max": cap}
        output = None if plaintext is None else {"plaintext": plaintext}
        return case(name, "CRY-17", "unpad", given, output, "bad_padding" if reason else None, reason)

    data = drawn("padding") * 9
    small = stored(b"abc")
    yield unpadded("a stored block", padded(small), b"abc")
    yield unpadded("two stored blocks", padded(stored(b"ab", final=False) + stored(b"c")), b"abc")
    yield unpadded("a fixed block", padded(zeros(2)), bytes(517))
    yield unpadded("a dynamic block", padded(DYNAMIC), DYNAMIC_TEXT)
    yield unpadded("nothing inside", padded(bytes.fromhex("0300")), b"")
    yield unpadded("the stream fills the floor, no padding", padded(stored(data[:251])), data[:251])
    yield unpadded("the stream is one byte above the floor", padded(stored(data[:252])), data[:252])
    yield unpadded("the stream has the size of a step", padded(stored(data[:267])), data[:267])
    yield unpadded("zeros inside are not padding", padded(stored(bytes(40))), bytes(40))
    yield unpadded("exactly the cap", padded(zeros(40)), bytes(10_321), cap=10_321)
    yield unpadded("one byte above the cap", padded(zeros(40)), reason="inflated", cap=10_320)
    yield unpadded("a cap of zero and nothing inside", padded(bytes.fromhex("0300")), b"", cap=0)
    yield unpadded("a bomb", padded(zeros(3_900)), reason="inflated")
    yield unpadded("a bomb without an end", zeros(3_900)[:4_096], reason="inflated")

    yield unpadded("the last byte of the padding is one", padded(small, 255) + b"\1", reason="nonzero")
    yield unpadded("the first byte of the padding is one", padded(small + b"\1", 256), reason="nonzero")
    yield unpadded("the padding is ones", padded(small, filler=b"\xff"), reason="nonzero")
    yield unpadded("a second stream in the padding", padded(small + small), reason="nonzero")
    yield unpadded("no padding below the floor", small, reason="size")
    yield unpadded("one byte short of the floor", padded(small, 255), reason="size")
    yield unpadded("one byte above the floor", padded(small, 257), reason="size")
    yield unpadded("padded to the next step", padded(small, 272), reason="size")
    yield unpadded("not padded above the floor", stored(data[:260]), reason="size")
    yield unpadded("padded to a multiple of 256", padded(stored(data[:260]), 512), reason="size")
    yield unpadded("empty", b"", reason="truncated")
    yield unpadded("the stream's end is missing", stored(data)[:272], reason="truncated")
    yield unpadded("a stored block longer than the whole", padded(stored(bytes(1_000))[:8]), reason="truncated")
    yield unpadded("no final block", padded(stored(b"abc", final=False)), reason="deflate")
    yield unpadded("a block of type 3", padded(b"\7"), reason="deflate")
    yield unpadded("a stored length that contradicts itself", padded(b"\1\3\0\3\0abc"), reason="deflate")
    # A match before any byte: fixed block, length 258, distance 1.
    yield unpadded("a distance before the beginning", padded(bytes([0b00011011, 0b00000101, 0, 0])), reason="deflate")
    yield unpadded("a zlib header", padded(bytes.fromhex("789c") + small), reason="deflate")
    yield unpadded("all zeros", bytes(256), reason="deflate")


# One dynamic block, made once by zlib 1.3 at level 9 and kept.
DYNAMIC_TEXT = b"".join(b"line %d of a text that repeats itself; " % (n * n * 7919 % 1000) for n in range(24))
DYNAMIC = bytes.fromhex(
    "8d92cb0d02310c055b710971b2b1d7a29a1cb262a50810eb03e5232a60eea3a7f75be7634a91e72143727e52f23e52def335475e72e635d7"
    "7193f5a3420371e686b8ea8a382f1bf3e71d713b936bccddae2cedd6587b51d81a1a4caf358371595eadac3e876b54637a3de05bba410ebe"
    "19ee519de979307fdaffe6fd02"
)
