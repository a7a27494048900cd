"""Messages made by hypothesis from the kinds of their fields."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bridge.protocol import limits, messages_worker
from bridge.protocol.fields import (
    VERSION,
    Choice,
    Flag,
    Int,
    Ints,
    Samples,
    Text,
    Texts,
    Tree,
    VersionPair,
)
from bridge.protocol.record import MESSAGES, Nested

assert messages_worker.Load.wire_name in MESSAGES  # importing it is what brings its messages in
TYPES = list(MESSAGES.values())
BOUNDED = {"sources": 3, "channels": limits.CHANNELS, "frames": 40}


def texts(most):
    """Texts of at most `most` bytes, without what may not be shown."""
    showable = st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp"))
    return st.text(showable, max_size=most).filter(lambda text: len(text.encode()) <= most)


LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | texts(30)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(texts(9), inner),
    max_leaves=20,
)


def values(kind):
    """Values that fit a kind."""
    match kind:
        case Int(low, high):
            return st.integers(low, high) | st.sampled_from([low, high])
        case Flag():
            return st.booleans()
        case Text(most):
            return texts(most)
        case Choice(words):
            return st.sampled_from(words)
        case Ints(item, least, most) | Texts(item, least, most):
            return st.lists(values(item), min_size=least, max_size=most).map(tuple)
        case VersionPair():
            return st.tuples(st.just(VERSION[0]), st.integers(0, limits.NUMBER))
        case Nested(type=inner):
            return records(inner)
        case Samples(axes):
            shapes = st.tuples(*(st.integers(1, BOUNDED[axis]) for axis in axes))
            return shapes.flatmap(lambda shape: arrays.arrays(np.float32, shape))
        case Tree():
            return st.dictionaries(texts(9), TREES, max_size=5)
    raise AssertionError(kind)


def records(kind):
    """Any instance of one type of record; fields with a default have it now and then."""
    fields = {name: values(inner) for name, inner in kind.kinds.items()}
    for name, default in kind.defaults.items():
        fields[name] = st.just(default) | fields[name]
    return st.builds(kind, **fields)


messages = st.sampled_from(TYPES).flatmap(records)
