"""Sets of the recurrent encoder-decoders.

tensor2tensor's, with its values (1.15.7) and, unlike there, no attention to
padding; the models of Sutskever et al. 2014 (arXiv:1409.3215), Bahdanau et al.
2015 (arXiv:1409.0473) and Luong et al. 2015 (arXiv:1508.04025); hard attention
(Xu et al. 2015, arXiv:1502.03044).
"""

from collections.abc import Callable
from typing import Any

from t2t_repro.models.rnn_hparams import RnnHParams
from t2t_repro.registry import register_hparams

from .recipes import ADAM, MULTI30K, PLAIN, TENSOR2TENSOR, TINY

# What has SGD with a falling rate, or Adadelta, in its paper has Adam here, as
# Denkowski and Neubig 2017 (arXiv:1706.09733) have it for recurrent models.
_ADAM: dict[str, Any] = {**ADAM, "learning_rate_constant": 0.0002}


@register_hparams
def lstm_seq2seq() -> RnnHParams:
    """tensor2tensor's LSTM without attention, on the reversed source."""
    return RnnHParams(
        hidden_size=128,
        num_hidden_layers=2,
        multiply_embedding_mode="sqrt_depth",
        dropout=0.2,
        label_smoothing=0.1,
        # 0.1 times the 0.002 that its "legacy" schedule has for Adam.
        learning_rate_constant=0.0002,
        learning_rate_warmup_steps=100,
        clip_grad_norm=2.0,
        cell="lstm",
        encoder_direction="reversed",
        decoder_start="copy",
        # Without attention the rest is read by nothing.
        attention_mechanism="none",
        attention_layer_size=128,
        num_heads=1,
        output_attention=True,
        attention_layer="linear",
        attention_feeding="next",
        attention_window="global",
        attention_window_width=10,  # D, section 4.1 of Luong et al.
        attention_over_padding=False,
        attention_kind="soft",
        hard_attention_sampled=0.0,
        hard_attention_reward=0.0,
        hard_attention_entropy=0.0,
        **PLAIN,
        **TENSOR2TENSOR,
    )


@register_hparams
def lstm_seq2seq_bidirectional_encoder() -> RnnHParams:
    """tensor2tensor's model of this name: a stack for either direction."""
    return lstm_seq2seq().replace(encoder_direction="bidirectional")


@register_hparams
def lstm_bahdanau_attention() -> RnnHParams:
    """tensor2tensor's LSTM with additive attention and input feeding.

    The same scores as in Bahdanau et al. 2015, in another model: theirs is
    `gru_rnnsearch`.
    """
    return lstm_seq2seq().replace(attention_mechanism="bahdanau")


@register_hparams
def lstm_luong_attention() -> RnnHParams:
    """tensor2tensor's LSTM with multiplicative ("general") attention."""
    return lstm_seq2seq().replace(attention_mechanism="luong")


@register_hparams
def lstm_attention() -> RnnHParams:
    """tensor2tensor's other name of lstm_bahdanau_attention."""
    return lstm_bahdanau_attention()


@register_hparams
def lstm_bahdanau_attention_multi() -> RnnHParams:
    """tensor2tensor's, with four heads."""
    return lstm_bahdanau_attention().replace(num_heads=4)


@register_hparams
def lstm_luong_attention_multi() -> RnnHParams:
    """tensor2tensor's, with four heads; their weights are alike."""
    return lstm_luong_attention().replace(num_heads=4)


@register_hparams
def lstm_seq2seq_attention_bidirectional_encoder() -> RnnHParams:
    """tensor2tensor's model of this name, with additive attention."""
    return lstm_bahdanau_attention().replace(encoder_direction="bidirectional")


@register_hparams
def gru_rnnsearch() -> RnnHParams:
    """RNNsearch-50, the model that attention came with (BLEU 26.75 there).

    Appendix A.2.3: 1,000 units, alignment of 1,000, a maxout layer of 500;
    words of 620, here of 1,000: this model has one size for words and units.
    Appendix B.2: batches of 80, gradients clipped at 1; Adadelta, here Adam.
    """
    return lstm_seq2seq().replace(
        hidden_size=1000,
        num_hidden_layers=1,
        multiply_embedding_mode="none",
        cell="gru",
        encoder_direction="bidirectional",
        decoder_start="tanh",
        attention_mechanism="bahdanau",
        attention_layer="maxout",
        attention_layer_size=500,
        attention_feeding="same",
        dropout=0.0,
        label_smoothing=0.0,
        clip_grad_norm=1.0,
        batch_size=80 * 50,
        max_length=50,  # section 4.2
        **_ADAM,
    )


@register_hparams
def lstm_sutskever() -> RnnHParams:
    """The reversed LSTM of Sutskever et al. 2014 (arXiv:1409.3215; BLEU 30.59).

    Section 3.4: four layers of 1,000 with words of 1,000, batches of 128,
    gradients clipped at 5. SGD there at 0.7, halved every half epoch after five
    of 7.5 epochs, here Adam. No limit of length there.
    """
    return lstm_seq2seq().replace(
        hidden_size=1000,
        num_hidden_layers=4,
        multiply_embedding_mode="none",
        dropout=0.0,
        label_smoothing=0.0,
        clip_grad_norm=5.0,
        batch_size=128 * 50,
        max_length=100,  # ours
        **_ADAM,
    )


# A line a row of Tables 1 and 4 of Luong et al. 2015; the ladder of Table 1 is
# the first five and the last. BLEU is the paper's, on newstest2014
# English-German, unknown words not replaced; x: it did not learn.
_LUONG_2015 = """
set                    source    dropout  score     window   feeding  BLEU
luong_base             forward   0.0      none      global   next     11.3
luong_reversed         reversed  0.0      none      global   next     12.6
luong_dropout          reversed  0.2      none      global   next     14.0
luong_attention        reversed  0.2      location  global   none     16.8
luong_global_location  reversed  0.2      location  global   next     18.1
luong_global_dot       reversed  0.2      dot       global   next     18.6
luong_global_general   reversed  0.2      general   global   next     17.3
luong_local_m_dot      reversed  0.2      dot       local_m  next     x
luong_local_m_general  reversed  0.2      general   local_m  next     18.6
luong_local_p_dot      reversed  0.2      dot       local_p  next     18.0
luong_local_p_general  reversed  0.2      general   local_p  next     19.0
"""


def _luong(row: str) -> tuple[str, Callable[[], RnnHParams]]:
    """A set's name and its function, by a row of the table."""
    name, source, dropout, score, window, feeding, bleu = row.split()

    def rung() -> RnnHParams:
        return lstm_sutskever().replace(
            encoder_direction=source,
            dropout=float(dropout),  # section 4.1, as all that follows
            attention_mechanism=score,
            attention_window=window,
            attention_feeding=feeding,
            attention_layer="tanh",  # equation 5
            attention_layer_size=1000,
            max_length=50,
        )

    seen = f"{score} attention ({window})".replace("none ", "no ")
    rung.__doc__ = f"Luong et al. 2015: {seen}, source {source}; BLEU {bleu}."
    return name, rung


LUONG_2015 = dict(map(_luong, _LUONG_2015.strip().splitlines()[1:]))
for _name, _rung in LUONG_2015.items():
    register_hparams(_rung, name=_name)


@register_hparams
def rnn_multi30k() -> RnnHParams:
    """About as many parameters as `transformer_multi30k`, and its recipe.

    Luong's general attention with input feeding over a bidirectional LSTM: one
    layer of 144 and the decoder's of 288 have 1.2 million weights, the
    Transformer's four and four layers 1.3.
    """
    return lstm_luong_attention().replace(
        hidden_size=144,
        num_hidden_layers=1,
        encoder_direction="bidirectional",
        attention_layer="tanh",
        attention_layer_size=144,
        **MULTI30K,
    )


# Of Xu et al. 2015 and of its authors' code: half the sentences are drawn for
# (section 4.1), the entropy's share is the code's, and lambda_r = 1 there.
# Without feeding a position decides on one word, whose likelihood rewards it.
_HARD: dict[str, Any] = {
    "attention_kind": "hard",
    "attention_feeding": "none",
    "hard_attention_sampled": 0.5,
    "hard_attention_reward": 1.0,
    "hard_attention_entropy": 0.002,
}


@register_hparams
def rnn_hard_attention_multi30k() -> RnnHParams:
    """`rnn_multi30k` that looks at one word at a time (Xu et al. 2015)."""
    return rnn_multi30k().replace(**_HARD)


@register_hparams
def rnn_tiny() -> RnnHParams:
    """Attention over a bidirectional LSTM for the toy corpus and for tests.

    Batches and schedule are those of `transformer_demo`; dropout none, as
    there; a width with about as many weights.
    """
    return lstm_luong_attention().replace(
        hidden_size=64,
        num_hidden_layers=1,
        encoder_direction="bidirectional",
        attention_layer="tanh",
        attention_layer_size=128,
        dropout=0.0,
        learning_rate_schedule="noam",
        learning_rate_constant=0.5,
        **TINY,
    )


@register_hparams
def rnn_hard_attention_tiny() -> RnnHParams:
    """`rnn_tiny` that looks at one word at a time (Xu et al. 2015)."""
    return rnn_tiny().replace(**_HARD)


@register_hparams
def rnn_babi() -> RnnHParams:
    """For bAbI, beside the memory network: an LSTM without attention.

    The paper's baseline (section 4.2 of Sukhbaatar et al. 2015) reads story and
    question as one text, too; its sizes are not published. 64 cells, and the
    steps of `transformer_babi`.
    """
    return rnn_tiny().replace(
        encoder_direction="forward",
        attention_mechanism="none",
        label_smoothing=0.0,
        clip_grad_norm=40.0,  # the memory network's
        learning_rate_constant=0.25,
        batch_size=2048,
        max_length=2048,
        batch_shapes=4,
    )
