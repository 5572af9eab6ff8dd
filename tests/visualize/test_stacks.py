"""What rows and columns of the three attentions are called."""

import numpy as np

from t2t_repro.visualize import stacks


def _maps(layers, heads, source, target):
    """Every weight is another number: 100 * layer + place in the map."""
    shapes = {
        "encoder/layer_{}/self_attention": (heads, source, source),
        "decoder/layer_{}/self_attention": (heads, target, target),
        "decoder/layer_{}/encdec_attention": (heads, target, source),
    }
    return {
        name.format(layer): 100.0 * layer
        + np.arange(np.prod(shape)).reshape(shape)
        for name, shape in shapes.items()
        for layer in range(layers)
    }


def test_labels_align_with_positions():
    source, target = ["a", "b", "<end>"], ["x", "<end>"]
    encoder, decoder, cross = stacks.stacks(_maps(2, 4, 3, 2), source, target)
    assert (encoder.queries, encoder.keys) == (tuple(source),) * 2
    # The step that reads nothing predicts x; the one that reads x the end.
    assert decoder.queries == ("x", "<end>")
    assert decoder.keys == ("<start>", "x")
    assert (cross.queries, cross.keys) == (tuple(target), tuple(source))
    assert encoder.weights.shape == (2, 4, 3, 3)
    assert decoder.weights.shape == (2, 4, 2, 2)
    assert cross.weights.shape == (2, 4, 2, 3)
    # Layer 1, head 3, row 1, column 2: 100 + (3 * 2 + 1) * 3 + 2 = 123.
    assert cross.weights[1, 3, 1, 2] == 123
    assert cross.place(1) == "decoder/layer_1/encdec_attention"
