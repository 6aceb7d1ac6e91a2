"""Python's search for cyclic garbage, kept away from what was there before a long loop."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final

_COLLECT_EVERY: Final = 32

_uses = count(1)


@contextmanager
def heap_at_rest() -> Iterator[None]:
    """Search only what is made inside for cyclic garbage; afterwards everything again.

    Code, contracts and columns of a world are some 80,000 objects that no block makes garbage: a pass over
    them takes as long as 30 blocks. What a block makes is still searched, so memory has the bound it had;
    every 32nd use searches everything first, so that garbage made between two uses does not stay for ever.
    """
    if gc.get_freeze_count():  # somebody else's, to be ended by them
        yield
        return
    if next(_uses) % _COLLECT_EVERY == 0:
        gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
