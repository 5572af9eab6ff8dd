"""The models that ship here, by name; each is imported when it is asked for."""

from typing import Any

from t2t_repro.registry import register_model


@register_model
def transformer(*args: Any, **kwargs: Any) -> Any:
    """`models.transformer.Transformer`, the paper's model."""
    from t2t_repro.models.transformer import Transformer  # imports Keras

    return Transformer(*args, **kwargs)
