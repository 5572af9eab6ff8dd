"""Which engine goes with which search; the engines have tests of their own."""

import types

import pytest

from t2t_repro.decode import engines, options
from t2t_repro.errors import UsageError

# A run whose outputs have a grammar.
_PARSER = types.SimpleNamespace(
    open_problem=lambda: types.SimpleNamespace(grammar=lambda encoder: object())
)


@pytest.mark.parametrize(
    "given", ["engine=ctranslate2", "engine=litert", "shortlist=file.npz"]
)
def test_only_the_own_search_among_all_ids_is_held_to_trees(given):
    with pytest.raises(UsageError, match="constrained=false"):
        engines.start(_PARSER, None, None, options.parse(given))
