"""The kinds of layers in Table 1, with the paper's formulas beside them."""

from collections.abc import Callable
from typing import Any, NamedTuple

from t2t_repro.hparam import HParams

KERNEL = 3  # k, of the convolutions
NEIGHBOURS = 32  # r, of restricted self-attention
# A gate takes a product with the input and one with the state.
_LSTM_MATRICES = 8

Layer = Callable[[Any], Any]


class Kind(NamedTuple):
    """A kind of layer.

    Attributes:
      name: of it.
      complexity: Table 1's complexity per layer, or what it would say.
      sequential: Table 1's sequential operations.
      path: Table 1's maximum path length.
      operations: forward, of one sentence, from its length.
      layer: from `[batch, length, hidden]` to the same.
      step: the number of a layer in a stack, from 0, and `[batch, length,
        hidden]` to the same: what a path is counted in. A recurrent layer's is
        one step in time, made at all positions at once.
    """

    name: str
    complexity: str
    sequential: str
    path: str
    operations: Callable[[int], int]
    layer: Layer
    step: Callable[[int, Any], Any]


def kinds(hparams: HParams) -> list[Kind]:
    """Table 1's layers in the sizes of a Transformer's."""
    return [
        *_attention(hparams),
        _restricted(hparams),
        _feed_forward(hparams),
        _recurrent(hparams.hidden_size),
        *_convolutional(hparams.hidden_size),
    ]


def _attention(hparams: Any) -> list[Kind]:
    from keras import ops

    from t2t_repro.layers.attention import (
        EVALUATION,
        MultiHeadAttention,
        attend,
    )

    hidden, heads = hparams.hidden_size, hparams.num_heads
    attention = MultiHeadAttention(
        hidden, heads, hidden, hidden, False, 0.0, "self_attention"
    )
    attention.build((None, None, hidden))

    def alone(x: Any) -> Any:
        split = ops.reshape(x, (*x.shape[:2], heads, hidden // heads))
        split = ops.swapaxes(split, 1, 2)
        context, _ = attend(split, split, split, None, 0.0, None)
        return ops.reshape(ops.swapaxes(context, 1, 2), x.shape)

    def projected(x: Any) -> Any:
        return attention(x, attention.keys_values(x), None, mode=EVALUATION)

    return [
        Kind(
            "self-attention, without projections",
            "O(n^2 d)",
            "O(1)",
            "O(1)",
            lambda n: n * 4 * n * hidden,
            alone,
            lambda _, x: alone(x),
        ),
        Kind(
            "self-attention",
            "O(n^2 d + n d^2)",
            "O(1)",
            "O(1)",
            lambda n: n * hparams.self_attention_flops(n),
            projected,
            lambda _, x: projected(x),
        ),
    ]


def _restricted(hparams: Any) -> Kind:
    from keras import ops

    from t2t_repro.layers.attention import EVALUATION
    from t2t_repro.layers.restricted_attention import (
        RestrictedAttention,
        Window,
        window_bias,
    )

    hidden = hparams.hidden_size
    window = Window(NEIGHBOURS // 2, NEIGHBOURS // 2 - 1)
    attention = RestrictedAttention(
        window,
        hidden_size=hidden,
        num_heads=hparams.num_heads,
        key_channels=hidden,
        value_channels=hidden,
        use_bias=False,
        rate=0.0,
        name="restricted_attention",
    )
    attention.build((None, None, hidden))

    def layer(x: Any) -> Any:
        bias = window_bias(ops.ones(x.shape[:2], "bool"), window)
        return attention.within(x, bias, EVALUATION)

    return Kind(
        f"self-attention (restricted), r = {NEIGHBOURS}",
        "O(r n d + n d^2)",
        "O(1)",
        "O(n / r)",
        lambda n: n * hparams.self_attention_flops(min(n, NEIGHBOURS)),
        layer,
        lambda _, x: layer(x),
    )


def _feed_forward(hparams: Any) -> Kind:
    from t2t_repro.layers.attention import EVALUATION
    from t2t_repro.models.transformer_layers import FeedForward

    layer = FeedForward(hparams, "feed_forward")
    layer.build((None, None, hparams.hidden_size))
    return Kind(
        "feed-forward",
        "O(n d d_ff)",
        "O(1)",
        "-",
        lambda n: n * hparams.feed_forward_flops(),
        lambda x: layer(x, mode=EVALUATION),
        lambda _, x: layer(x, mode=EVALUATION),
    )


def _recurrent(hidden: int) -> Kind:
    from keras import ops

    from t2t_repro.layers import recurrent

    cell = recurrent.LSTMCell(hidden, 0, "lstm")
    cell.build((None, None, hidden))

    def layer(x: Any) -> Any:
        start = recurrent.zero_state(cell, x.shape[0])
        return recurrent.run(cell, x, None, start)[0]

    def one_step(_: int, x: Any) -> Any:
        # Every position's next state, from the one that its left neighbour has.
        before = ops.pad(x[:, :-1], [[0, 0], [1, 0], [0, 0]])
        nothing = ops.zeros_like(before)
        return cell.step(cell.project(x), (before, nothing))[0]

    return Kind(
        "recurrent (LSTM)",
        "O(n d^2)",
        "O(n)",
        "O(n)",
        lambda n: n * 2 * _LSTM_MATRICES * hidden**2,
        layer,
        one_step,
    )


def _convolutional(hidden: int) -> list[Kind]:
    from t2t_repro.layers.convolution import windows
    from t2t_repro.layers.linear import Linear

    product = Linear(hidden, True, "convolution")
    product.build((None, None, KERNEL * hidden))

    def convolution(x: Any, dilation: int) -> Any:
        before = dilation * (KERNEL - 1)
        return product(windows(x, KERNEL, before, dilation))

    def operations(n: int) -> int:
        return n * 2 * KERNEL * hidden**2

    return [
        Kind(
            f"convolutional, k = {KERNEL}",
            "O(k n d^2)",
            "O(1)",
            "O(n / k)",
            operations,
            lambda x: convolution(x, 1),
            lambda _, x: convolution(x, 1),
        ),
        Kind(
            f"convolutional, k = {KERNEL}, dilated",
            "O(k n d^2)",
            "O(1)",
            "O(log_k(n))",
            operations,
            lambda x: convolution(x, KERNEL),
            lambda i, x: convolution(x, KERNEL**i),
        ),
    ]
