"""A plot as SVG, written by hand: panels side by side, sizes on a logarithmic axis, milliseconds from zero."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 460, 300, 60, 40, 60  # of one panel, in pixels, and its margins
COLOURS = ("#1b6ca8", "#c0392b", "#218c5a", "#8e5ea2", "#b7791f", "#444444")


class Line(NamedTuple):
    """A name, and (size, milliseconds) ascending by size."""

    name: str
    points: list[tuple[int, float]]


def drawn(panels: dict[str, list[Line]], path: Path) -> None:
    """Writes the plot."""
    parts = [_panel(place * WIDTH, name, lines) for place, (name, lines) in enumerate(panels.items())]
    size = f'width="{WIDTH * len(panels)}" height="{HEIGHT + 20 * 4}"'
    text = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + '<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")


def _panel(x: float, name: str, lines: list[Line]) -> str:
    sizes = sorted({size for line in lines for size, _ in line.points})
    top = max((ms for line in lines for _, ms in line.points), default=1.0) * 1.1
    low, high = math.log(sizes[0]), math.log(max(sizes[-1], sizes[0] + 1))

    def at(size: int, ms: float) -> tuple[float, float]:
        along = (math.log(size) - low) / (high - low)
        return x + LEFT + along * (WIDTH - LEFT - 20), HEIGHT - BOTTOM - ms / top * (HEIGHT - TOP - BOTTOM)

    left, floor = at(sizes[0], 0)
    right, ceiling = at(sizes[-1], top)
    made = [
        f'<text x="{left}" y="{TOP - 16}" font-weight="bold">ms of server CPU by {escape(name)}</text>',
        f'<path d="M{left} {ceiling}V{floor}H{right}" fill="none" stroke="black"/>',
    ]
    for size in sizes:
        made.append(f'<text x="{at(size, 0)[0]}" y="{floor + 18}" text-anchor="middle">{size:,}</text>')
    for ms in (0.0, top / 2, top):
        made.append(f'<text x="{left - 6}" y="{at(sizes[0], ms)[1] + 4}" text-anchor="end">{ms:.2g}</text>')
    for place, line in enumerate(lines):
        colour = COLOURS[place % len(COLOURS)]
        points = [at(size, ms) for size, ms in line.points]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        made.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        made += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>' for px, py in points]
        made.append(f'<text x="{left}" y="{floor + 42 + 18 * place}" fill="{colour}">{escape(line.name)}</text>')
    return "\n".join(made)
