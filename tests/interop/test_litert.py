"""Who has programs; what they find is in tests/decode/test_litert_search.py."""

from t2t_repro import registry
from t2t_repro.interop import litert


def test_the_transformer_alone():
    hparams = registry.hparams("transformer_tiny")
    assert litert.has_programs(hparams)
    assert litert.memory_names(hparams) == [f"memory_{i}" for i in range(4)]
    assert litert.cache_names(hparams) == [f"cache_{i}" for i in range(4)]
    assert not litert.has_programs(registry.hparams("transformer_moe_tiny"))
