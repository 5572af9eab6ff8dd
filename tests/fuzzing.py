"""What the fuzz tests share: how many examples, and strategies.

The examples are the same in every run, and few; `FUZZ_EXAMPLES=5000` in the
environment tries so many others.
"""

import os

import hypothesis
from hypothesis import strategies as st

_MORE = int(os.environ.get("FUZZ_EXAMPLES", "0"))
LIGHT = hypothesis.settings(
    deadline=None,
    max_examples=_MORE or 150,
    derandomize=not _MORE,
    database=None,
)
# Each example opens a file through TensorFlow, or loads a model.
HEAVY = hypothesis.settings(LIGHT, max_examples=_MORE or 60)

# A line of a file: no surrogates, no line end.
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\n"),
    max_size=12,
)

# Whatever JSON can hold, NaN and numbers beyond every range included.
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["..", "a/b", "\0", "\ud800", "timing", "true", "1e9"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """A file with one flipped bit, or cut off, or with bytes put in."""
    places = st.integers(0, len(content) - 1)
    return st.one_of(
        st.builds(
            lambda at, bit: (
                content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :]
            ),
            places,
            st.sampled_from([1 << bit for bit in range(8)]),
        ),
        st.builds(lambda at: content[:at], places),
        st.builds(
            lambda at, more: content[:at] + more + content[at:],
            places,
            st.binary(min_size=1, max_size=8),
        ),
    )
