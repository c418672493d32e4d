"""Python's collector of cycles, stopped while a phone reads or takes in thousands of values that form none.

What it is: the one place where the collector is stopped. What it is not: a setting; whoever runs Carnet may have
stopped it for itself, and finds it as it was. Each value that is made counts towards the next collection, which looks
at all that is held: among 10,000 records that was a fifth of the time of taking them in.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collecting() -> Iterator[None]:
    """Nothing is collected inside; what was let go of in cycles is found later."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
