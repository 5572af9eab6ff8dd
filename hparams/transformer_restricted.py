"""Sets of the Transformer with restricted self-attention.

The paper gives the idea, a row of Table 1, and leaves the rest to future work:
no r, no result. Each set is the Transformer's of the same size, and r beside.
"""

import dataclasses

from t2t_repro.models.transformer_hparams import TransformerHParams
from t2t_repro.models.transformer_restricted_hparams import (
    TransformerRestrictedHParams,
)
from t2t_repro.registry import register_hparams

from .transformer import (
    transformer_base,
    transformer_multi30k,
    transformer_tiny,
)


def _restricted(
    whole: TransformerHParams, r: int
) -> TransformerRestrictedHParams:
    return TransformerRestrictedHParams(
        **dataclasses.asdict(whole), attention_neighbourhood=r
    )


@register_hparams
def transformer_restricted_r8() -> TransformerRestrictedHParams:
    """The base model with r = 8; r is ours, as in the two below."""
    return _restricted(transformer_base(), 8)


@register_hparams
def transformer_restricted_r16() -> TransformerRestrictedHParams:
    """The base model with r = 16."""
    return _restricted(transformer_base(), 16)


@register_hparams
def transformer_restricted_r32() -> TransformerRestrictedHParams:
    """The base model with r = 32: longer than most sentences of WMT."""
    return _restricted(transformer_base(), 32)


@register_hparams
def transformer_restricted_multi30k() -> TransformerRestrictedHParams:
    """`transformer_multi30k` with r = 8; a German sentence has 11 words."""
    return _restricted(transformer_multi30k(), 8)


@register_hparams
def transformer_restricted_tiny() -> TransformerRestrictedHParams:
    """`transformer_tiny` with r = 4, for tests and a first look."""
    return _restricted(transformer_tiny(), 4)
