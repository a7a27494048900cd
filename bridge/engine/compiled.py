"""Loops over bins and frames, compiled by Numba: one pass where NumPy needs one for each operation.

What is compiled is kept on disk, beside the source or, where that cannot be written, in the user's
cache folder; so it takes some seconds once, and each process reads it when it is first called.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R], *, any_order: bool = False) -> Callable[P, R]:
    """`function` as machine code, made for the types that it is called with.

    Divisions by zero give what IEEE 754 says, as NumPy's do. any_order: sums need not keep their
    order, so that several terms are added at once; it is the same in every call.
    """
    fast = {"reassoc", "contract", "nsz"} if any_order else False
    make = partial(njit, nogil=True, error_model="numpy", fastmath=fast)
    try:
        made: Callable[P, R] = make(cache=True)(function)
    except RuntimeError:  # neither folder can be written: each process compiles it anew
        made = make()(function)
    return made
