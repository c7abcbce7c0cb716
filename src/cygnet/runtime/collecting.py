"""When Python looks for objects that refer in circles.

A daemon holds thousands of SAs for hours, none of which refers to itself: they go when nobody refers to them
any more. Python's own rhythm would look through all of them each time their number has grown by a quarter,
which took a third of espd's time per CHILD_SA at 4,000 of them, and holds every thread up meanwhile.
"""

import gc

YOUNG = 10_000
"""Objects made and not freed between two looks at the youngest."""
MIDDLE, OLD = 20, 100
"""Looks at the younger generation between two at the next: at all objects after some millions of new ones."""


def settle() -> None:
    """Leave what a daemon was made of alone from now on, and look at the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
