"""What a camera sees of a QR code: tilted, in glare, blurred, dim, or small; each frame from its number alone."""

from __future__ import annotations

import io
import random

import segno
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

SIZE = (1280, 960)
KINDS = ("tilt", "glare", "blur", "dim", "small")
# A code of 25 mm before a camera of some 60° at 10 cm, whose picture is 115 mm wide.
SMALL_PIXELS = round(SIZE[0] * 25 / 115)


def code(text: str) -> Image.Image:
    """The QR as `carnet share` draws it: level M, not boosted, four modules of quiet zone; eight pixels a module."""
    out = io.BytesIO()
    segno.make_qr(text, error="m", boost_error=False).save(out, kind="png", scale=8, border=4)
    return Image.open(out).convert("L")


def frame(qr: Image.Image, number: int) -> Image.Image:
    """One frame; its kind is `KINDS[number % 5]`."""
    chance, kind = random.Random(number), KINDS[number % len(KINDS)]
    side = SMALL_PIXELS if kind == "small" else chance.randint(520, 760)
    left, top = chance.randint(40, SIZE[0] - side - 40), chance.randint(40, SIZE[1] - side - 40)
    lean = 0.16 if kind == "tilt" else 0.03
    corners = [
        (left + dx * side + chance.uniform(-lean, lean) * side, top + dy * side + chance.uniform(-lean, lean) * side)
        for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1))
    ]
    ground = chance.randint(120, 200)
    warp = perspective(corners, qr.size)
    picture = Image.new("L", SIZE, ground)
    mask = Image.new("L", qr.size, 255).transform(SIZE, Image.Transform.PERSPECTIVE, warp, Image.Resampling.BICUBIC)
    picture.paste(qr.transform(SIZE, Image.Transform.PERSPECTIVE, warp, Image.Resampling.BICUBIC), mask=mask)
    if kind == "glare":
        light = Image.new("L", SIZE, 0)
        x, y = left + chance.uniform(0.2, 0.8) * side, top + chance.uniform(0.2, 0.8) * side
        reach = side * chance.uniform(0.2, 0.35)
        ImageDraw.Draw(light).ellipse((x - reach, y - reach, x + reach, y + reach), fill=chance.randint(90, 170))
        picture.paste(255, mask=light.filter(ImageFilter.GaussianBlur(reach / 3)))
    if kind == "dim":
        picture = ImageEnhance.Contrast(ImageEnhance.Brightness(picture).enhance(0.25)).enhance(0.7)
    picture = picture.filter(ImageFilter.GaussianBlur(chance.uniform(1.5, 2.4) if kind == "blur" else 0.6))
    noise = Image.effect_noise(SIZE, 8)
    return Image.blend(picture, noise, 0.04).convert("RGB")


def jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()


def perspective(corners: list[tuple[float, float]], size: tuple[int, int]) -> list[float]:
    """Pillow's eight coefficients that lay an image of `size` into four corners of the frame."""
    width, height = size
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(corners, ((0, 0), (width, 0), (width, height), (0, height)), strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    for pivot in range(8):
        best = max(range(pivot, 8), key=lambda row: abs(rows[row][pivot]))
        rows[pivot], rows[best] = rows[best], rows[pivot]
        rows[pivot] = [value / rows[pivot][pivot] for value in rows[pivot]]
        for row in range(8):
            if row != pivot:
                by = rows[row][pivot]
                rows[row] = [a - by * b for a, b in zip(rows[row], rows[pivot], strict=True)]
    return [row[8] for row in rows]
