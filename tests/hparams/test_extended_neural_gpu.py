"""The sets of the Neural GPUs against what their sources say."""

import math

import pytest

from t2t_repro import registry


def _weights(name):
    """How many there are beside the embeddings."""
    hparams = registry.hparams(name)
    model = registry.model(hparams.MODEL)(hparams, 11)
    return sum(
        math.prod(weight.shape)
        for path, weight in model.weights_by_path().items()
        if not path.endswith("/matrix")
    )


def test_weights_of_multi30k():
    # m = 80. Units of 9 * 3 m m and 3 m: the first and the encoder's two; the
    # decoder's two read twice as much. Input m m and m, and its norm 2 m.
    maps = 27 * 6400 * 3 + 54 * 6400 * 2 + 6400
    assert _weights("extended_neural_gpu_multi30k") == maps + 5 * 240 + 240


def test_the_programs_values():
    hparams = registry.hparams("extended_neural_gpu")
    # --nmaps, --nconvs, --height, --kw, --kh.
    assert (hparams.hidden_size, hparams.num_hidden_layers) == (64, 2)
    assert (hparams.image_height, hparams.kernel) == (4, (3, 3))
    # 0.005 * --lr, --max_grad_norm.
    assert hparams.learning_rate_constant == 0.0005
    assert hparams.clip_grad_norm == 4.0


@pytest.mark.parametrize(
    ("name", "cell", "cost"),
    [("neural_gpu", "cgru", 0.0), ("diagonal_neural_gpu", "dcgru", 2.0)],
)
def test_tensor2tensors_values(name, cell, cost):
    hparams = registry.hparams(name)
    assert (hparams.cell, hparams.saturation_cost) == (cell, cost)
    assert (hparams.hidden_size, hparams.num_hidden_layers) == (256, 1)
    assert (hparams.image_height, hparams.kernel) == (1, (3, 1))
    assert (hparams.dropout, hparams.label_smoothing) == (0.1, 0.0)
    assert (hparams.batch_size, hparams.clip_grad_norm) == (1024, 10.0)
    assert hparams.optimizer_adam_beta1 == 0.85
    assert hparams.optimizer_adam_beta2 == 0.997
    assert hparams.optimizer_adam_epsilon == 1e-6
    # Neither reads a target, nor has a layer before the repeated ones.
    assert not hparams.output_tape and not hparams.input_unit
