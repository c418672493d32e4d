"""Memory that goes back to the system when a large body has been answered.

What it is: one setting of the C library's allocator. What it is not: a bound; what a request may take is bounded where
it is read. glibc takes large blocks from the system one by one at first, but learns from the first that is freed to
keep such blocks, and a body of four megabytes leaves a hole of its size in a process that serves for months. Where
there is another C library nothing is done. Source: mallopt(3), "M_MMAP_THRESHOLD".
"""

from __future__ import annotations

import ctypes

LARGE_BYTES = 131_072  # from here on a block is the system's own; glibc's first value, which it would raise
_M_MMAP_THRESHOLD = -3


def give_back_large_blocks() -> None:
    """Holds the allocator of this process to its first threshold."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
