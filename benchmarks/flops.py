"""How many floating-point operations the work takes, from the formulas.

Only matrix products count, two operations (a product and a sum) for every
element of either; softmax, norms, dropout and the optimizer are a few percent
of the operations, though not of the time, and an embedding is a look-up. With
d = d_model, K = h * d_k, V = h * d_v, f = d_ff, n source and m target positions
of a sentence, the forward pass of one sentence is

    encoder layer   n * (2 d (2 K + 2 V) + 2 n (K + V) + 4 d f)
    decoder layer   m * (2 d (2 K + 2 V) + 2 m (K + V)       self-attention
                         + 2 d (K + V) + 2 n (K + V)         to the encoder
                         + 4 d f)
                    + n * 2 d (K + V)                        its keys, values
    softmax         m * 2 d * vocabulary

where the second term of an attention is Q K^T and the product with V, all
positions of the causal one included. The backward pass takes twice as much
(a product for the gradient of either factor), so that a training step is three
forward passes: 6 N operations a token, N the weights of matrices, and the
attentions' terms.
"""

from t2t_repro.hparam import HParams


def forward(
    hparams: HParams, vocab_size: int, batch: int, source: int, target: int
) -> int:
    """Operations of one forward pass with logits for every target position.

    Args:
      hparams: the model's.
      vocab_size: of the softmax.
      batch: sentences.
      source: positions of each, padding included.
      target: likewise.
    """
    encoder = hparams.encoder_layers * encoder_layer(hparams, source)
    decoder = hparams.decoder_layers * (
        target * self_attention(hparams, target)
        + target * _cross_attention(hparams, source)
        + target * feed_forward(hparams)
        + source * _memory(hparams)
    )
    return batch * (encoder + decoder + target * _softmax(hparams, vocab_size))


def training_step(
    hparams: HParams, vocab_size: int, batch: int, source: int, target: int
) -> int:
    """Operations of a forward and a backward pass; arguments of `forward`."""
    return 3 * forward(hparams, vocab_size, batch, source, target)


def decoding(
    hparams: HParams,
    vocab_size: int,
    batch: int,
    source: int,
    steps: int,
    beams: int,
) -> int:
    """Operations that a cached search of `steps` steps cannot do without.

    The encoder and its keys and values once for a sentence; at step t every
    beam attends to its own t positions.

    Args:
      hparams: the model's.
      vocab_size: of the softmax.
      batch: sentences.
      source: positions of each.
      steps: ids generated for each.
      beams: hypotheses of each, 1 where it is greedy.
    """
    once = hparams.encoder_layers * encoder_layer(hparams, source)
    once += hparams.decoder_layers * source * _memory(hparams)
    layers = sum(
        self_attention(hparams, position)
        + _cross_attention(hparams, source)
        + feed_forward(hparams)
        for position in range(1, steps + 1)
    )
    each_beam = hparams.decoder_layers * layers
    each_beam += steps * _softmax(hparams, vocab_size)
    return batch * (once + beams * each_beam)


def encoder_layer(hparams: HParams, source: int) -> int:
    """Operations of one layer for one sentence."""
    a_position = self_attention(hparams, source) + feed_forward(hparams)
    return source * a_position


def feed_forward(hparams: HParams) -> int:
    """Operations for one position."""
    return 4 * hparams.hidden_size * hparams.filter_size


def attention(hparams: HParams, keys: int) -> int:
    """Operations for one query without its projections: Q K^T, and with V."""
    return 2 * keys * (hparams.key_channels + hparams.value_channels)


def self_attention(hparams: HParams, keys: int) -> int:
    """Operations for one position, its query, key, value and output too."""
    return 2 * _projections(hparams) + attention(hparams, keys)


def _cross_attention(hparams: HParams, keys: int) -> int:
    return _projections(hparams) + attention(hparams, keys)


def _memory(hparams: HParams) -> int:
    return _projections(hparams)


def _softmax(hparams: HParams, vocab_size: int) -> int:
    return 2 * hparams.hidden_size * vocab_size


def _projections(hparams: HParams) -> int:
    """Query and output, or key and value, of one position."""
    channels = hparams.key_channels + hparams.value_channels
    return 2 * hparams.hidden_size * channels
