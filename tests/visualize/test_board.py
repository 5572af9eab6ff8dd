"""Figures and text for TensorBoard."""

import html

import numpy as np

from t2t_repro.visualize import board
from t2t_repro.visualize.board import Sample


def test_weight_norms_by_hand():
    found = board.weight_norms(
        {
            "embedding/matrix": np.array([[3.0, 4.0]], np.float32),
            "encoder/layer_0/a": np.array([2.0], np.float32),
            "encoder/layer_0/b/c": np.array([2.0, 2.0, 2.0], np.float32),
            "decoder/layer_1/a": np.array([-10.0], np.float32),
        }
    )
    # 3^2 + 4^2 = 25; 4 + 12 = 16; 100; together 141.
    assert found == {
        "weight_norm/all": 141**0.5,
        "weight_norm/embedding": 5.0,
        "weight_norm/encoder/layer_0": 4.0,
        "weight_norm/decoder/layer_1": 10.0,
    }


def test_a_table_whose_text_is_only_text():
    evil = "a|b *c* _d_ <script> [x](y) `z`\nend & #1"
    table = board.samples_table([Sample(evil, "r", "h")])
    head, line, row = table.split("\n")
    assert line == "|---|---|---|" and head.count("|") == row.count("|") == 4
    assert not set("*<>[]`_\\") & set(row)
    assert html.unescape(row) == f"| {evil} | r | h |"
