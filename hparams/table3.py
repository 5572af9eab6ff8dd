"""Table 3 of the paper: every variation of the base model, one set a row.

Names are tensor2tensor's where it has one for the row; tensor2tensor's sets of
those names start from its own later base, these start from the paper's. Fields
that a row leaves empty are the base model's, as in the table.
"""

from collections.abc import Callable, Mapping
from typing import Any

from t2t_repro.models.transformer_hparams import TransformerHParams
from t2t_repro.registry import register_hparams

from .transformer import transformer_base

# The last row of the table, big, is in `transformer.py`; the scores of all rows
# stand in `t2t_repro/report/paper.py`.
TABLE_3: dict[str, dict[str, Any]] = {
    # (A) h, with d_k = d_v = d_model / h, so that the work stays the same.
    "transformer_h1": {"num_heads": 1},  # d_k 512
    "transformer_h4": {"num_heads": 4},  # d_k 128
    "transformer_h16": {"num_heads": 16},  # d_k 32
    "transformer_h32": {"num_heads": 32},  # d_k 16
    # (B) d_k alone; the name says h * d_k. d_v stays 64.
    "transformer_k128": {"attention_key_channels": 8 * 16},
    "transformer_k256": {"attention_key_channels": 8 * 32},
    # (C) N.
    "transformer_l2": {"num_hidden_layers": 2},
    "transformer_l4": {"num_hidden_layers": 4},
    "transformer_l8": {"num_hidden_layers": 8},
    # (C) d_model, with d_k = d_v = d_model / 8.
    "transformer_hs256": {"hidden_size": 256},  # d_k 32
    "transformer_hs1024": {"hidden_size": 1024},  # d_k 128
    # (C) d_ff.
    "transformer_ff1024": {"filter_size": 1024},
    "transformer_ff4096": {"filter_size": 4096},
    # (D) P_drop.
    "transformer_dr0": {"layer_prepostprocess_dropout": 0.0},
    "transformer_dr2": {"layer_prepostprocess_dropout": 0.2},
    # (D) epsilon_ls.
    "transformer_ls0": {"label_smoothing": 0.0},
    "transformer_ls2": {"label_smoothing": 0.2},
    # (E) Learned positions instead of sinusoids; tensor2tensor has no set for
    # it. There are max_length of them, which the paper does not give.
    "transformer_emb": {"pos": "emb"},
}


def _row(changes: Mapping[str, Any]) -> Callable[[], TransformerHParams]:
    def row() -> TransformerHParams:
        return transformer_base().replace(**changes)

    fields = ", ".join(f"{name}={value}" for name, value in changes.items())
    row.__doc__ = f"A row of Table 3: base with {fields}."
    return row


for _name, _changes in TABLE_3.items():
    register_hparams(_row(_changes), name=_name)
