"""Figures and text for TensorBoard."""

import html

import numpy as np
import tensorflow as tf

from t2t_repro.visualize import tensorboard
from t2t_repro.visualize.tensorboard import Sample


def test_weight_norms_by_hand():
    found = tensorboard.weight_norms(
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


def test_histograms_by_part(tmp_path):
    weights = {
        "embedding/matrix": np.zeros([1000, 250], np.float32),
        "encoder/layer_0/a": np.array([1.0, 2.0], np.float32),
        "encoder/layer_0/b": np.array([[3.0]], np.float32),
    }
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        tensorboard.write_histograms(weights, 7)
    writer.close()
    (path,) = tmp_path.iterdir()
    counts = {
        value.tag: tf.make_ndarray(value.tensor)[:, 2].sum()
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    # Of 250,000 every third: 83,334.
    assert counts == {"weights/embedding": 83334, "weights/encoder/layer_0": 3}


def test_differences_and_scores_of_sentences():
    samples = [
        Sample("s", "a b c d", "a b c e"),
        Sample("s", "a b c d", "x a b c d"),
        Sample("s", "a b", ""),
    ]
    first, second, third = tensorboard.samples_table(samples).split("\n")[2:]
    # 3/4 words, 2/3 pairs, 1/2 triples, 0/1 fours, smoothed to 1/2: the fourth
    # root of their product, 1/8, is 0.5946.
    assert first == "| 59.5 | s | a b c **d** | a b c **e** |"
    assert second.endswith("| s | a b c d | **x** a b c d |")
    assert third == "| 0.0 | s | **a** **b** |  |"


def test_a_table_whose_text_is_only_text():
    evil = "a|b *c* _d_ <script> [x](y) `z` end & #1"
    table = tensorboard.samples_table([Sample(evil, evil, evil)])
    head, line, row = table.split("\n")
    assert line == "|--:|---|---|---|"
    assert head.count("|") == row.count("|") == 5
    assert not set("*<>[]`_\\") & set(row)
    assert html.unescape(row) == f"| 100.0 | {evil} | {evil} | {evil} |"
    # A line's end would end the row.
    assert "\n" not in tensorboard.samples_table([Sample("a\nb", "", "")])[80:]
