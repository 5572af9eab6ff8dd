"""Sets of the Extended Neural GPU and of the Neural GPU.

Kaiser and Bengio 2016 (arXiv:1610.08613) and Kaiser and Sutskever 2016
(arXiv:1511.08228). What the papers leave open is as the authors' program has
it, `research/neural_gpu` of TensorFlow's models. It also has scheduled
sampling and a curriculum of lengths, and lowers its rate when progress stops;
here every model is trained in the same way.
"""

from t2t_repro.models.extended_neural_gpu_hparams import (
    ExtendedNeuralGPUHParams,
)
from t2t_repro.registry import register_hparams

from .recipes import MULTI30K, PLAIN, TENSOR2TENSOR, TINY


@register_hparams
def extended_neural_gpu() -> ExtendedNeuralGPUHParams:
    """The authors' program as it starts: 64 maps on four rows."""
    return ExtendedNeuralGPUHParams(
        hidden_size=64,
        num_hidden_layers=2,
        cell="cgru",
        saturation_cost=0.0,
        image_height=4,
        kernel_width=3,
        kernel_height=3,
        atrous=False,
        layer_norm=False,
        output_tape=True,
        input_unit=True,
        # Embeddings have a variance of 1, as there.
        multiply_embedding_mode="sqrt_depth",
        # There 0.1 * 3 / sqrt(columns): that of 36 columns.
        dropout=0.05,
        label_smoothing=0.1,
        # 0.005 times a rate of 0.1; the moments are Adam's own.
        optimizer_adam_beta1=0.9,
        optimizer_adam_beta2=0.999,
        optimizer_adam_epsilon=1e-3,
        learning_rate_schedule="constant",
        learning_rate_constant=0.0005,
        learning_rate_warmup_steps=1,
        clip_grad_norm=4.0,
        batch_size=32 * 40,  # 32 sentences of up to 40
        max_length=40,
        # Not there, where the longer of source and target decides.
        length_ratio=1.2,
        length_step=1,
        **PLAIN,
    )


@register_hparams
def extended_neural_gpu_wmt_enfr() -> ExtendedNeuralGPUHParams:
    """English-French: the large model of the program's README, 512 maps.

    Four GPUs there have four sentences each.
    """
    return extended_neural_gpu().replace(
        hidden_size=512, batch_size=4 * 60, max_length=60
    )


@register_hparams
def neural_gpu_algorithms() -> ExtendedNeuralGPUHParams:
    """The Neural GPU that learned to multiply: 24 maps on four rows.

    Its input and output have one length, so that an image needs no more.
    """
    return extended_neural_gpu().replace(
        hidden_size=24, output_tape=False, length_ratio=1.0
    )


@register_hparams
def neural_gpu() -> ExtendedNeuralGPUHParams:
    """tensor2tensor's Neural GPU: one row, which begins with the embeddings.

    There the columns of padding grow with the others; here they stay empty.
    """
    return extended_neural_gpu().replace(
        hidden_size=256,
        num_hidden_layers=1,
        image_height=1,
        kernel_height=1,
        output_tape=False,
        input_unit=False,
        dropout=0.1,
        label_smoothing=0.0,
        # 0.02 times the 0.002 that its "legacy" schedule has for Adam.
        learning_rate_constant=0.00004,
        learning_rate_warmup_steps=3000,
        clip_grad_norm=10.0,
        length_ratio=1.0,
        **TENSOR2TENSOR,
    )


@register_hparams
def diagonal_neural_gpu() -> ExtendedNeuralGPUHParams:
    """tensor2tensor's Diagonal Neural GPU, as the paper describes it.

    Freivalds and Liepins 2017 (arXiv:1702.08727). There channels walk along an
    axis of one row, and so vanish, and the result is that of the first
    application; dropout is of the candidate.
    """
    return neural_gpu().replace(cell="dcgru", saturation_cost=2.0)


@register_hparams
def extended_neural_gpu_multi30k() -> ExtendedNeuralGPUHParams:
    """About as many parameters as `transformer_multi30k`, and its recipe.

    Units of 80 maps have 1.2 million weights, the Transformer's four and four
    layers 1.3. Two rows instead of four halve what they cost.
    """
    return extended_neural_gpu().replace(
        hidden_size=80,
        image_height=2,
        clip_grad_norm=1.0,
        # Dropout comes before every application, as often as there are columns.
        **{**MULTI30K, "dropout": 0.05},
    )


@register_hparams
def extended_neural_gpu_tiny() -> ExtendedNeuralGPUHParams:
    """Units of 48 maps, for tests and a first look."""
    return extended_neural_gpu_multi30k().replace(
        hidden_size=48, dropout=0.0, **TINY
    )


@register_hparams
def neural_gpu_tiny() -> ExtendedNeuralGPUHParams:
    """The same without a tape: what the tape is for."""
    return extended_neural_gpu_tiny().replace(output_tape=False)
