"""Sets of the recurrent encoder-decoders.

tensor2tensor's, with its values (1.15.7) and, unlike there, no attention to
padding; the search model of Bahdanau et al. 2015 (arXiv:1409.0473); the models
of Luong et al. 2015 (arXiv:1508.04025), a line a row of their tables.
"""

from collections.abc import Callable, Mapping
from typing import Any

from t2t_repro.models.rnn_hparams import RnnHParams
from t2t_repro.registry import register_hparams

# Of what has SGD with a falling rate, or Adadelta, in its paper: Adam as
# Denkowski and Neubig 2017 have it for recurrent models; the betas are Adam's.
_ADAM: dict[str, Any] = {
    "optimizer_adam_beta1": 0.9,
    "optimizer_adam_beta2": 0.999,
    "optimizer_adam_epsilon": 1e-8,
    "learning_rate_schedule": "constant",
    "learning_rate_constant": 0.0002,
}


@register_hparams
def lstm_seq2seq() -> RnnHParams:
    """tensor2tensor's LSTM without attention, on the reversed source."""
    return RnnHParams(
        hidden_size=128,
        num_hidden_layers=2,
        shared_embedding_and_softmax_weights=False,
        shared_embedding=False,
        multiply_embedding_mode="sqrt_depth",
        dropout=0.2,
        label_smoothing=0.1,
        optimizer_adam_beta1=0.85,
        optimizer_adam_beta2=0.997,
        optimizer_adam_epsilon=1e-6,
        # 0.1 times the 0.002 that its "legacy" schedule has for Adam; there the
        # rate rises exponentially over the first 100 updates.
        learning_rate_schedule="constant*linear_warmup",
        learning_rate_constant=0.0002,
        learning_rate_warmup_steps=100,
        learning_rate=0.1,
        clip_grad_norm=2.0,
        optimizer_multistep_accumulate_steps=0,
        batch_size=1024,
        max_length=256,  # there no limit of its own; the Transformer's
        batch_shapes=8,
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
        attention_window_width=10,  # D, section 4.2 of Luong et al.
        attention_over_padding=False,
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
    """RNNsearch, the model that attention came with (Bahdanau et al. 2015).

    Appendix A.2 and B: 1,000 units, words of 620 (here of 1,000: this model has
    one size for both), a maxout layer of 500, sentences up to 50 words, batches
    of 80. Adadelta there; here Adam with the values of Denkowski and Neubig
    2017 (arXiv:1706.09733), and gradients clipped at 1 as there.
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
        max_length=50,
        **_ADAM,
    )


_LOCATION = {"attention_mechanism": "location", "attention_feeding": "none"}
_WITH_DROPOUT = {"encoder_direction": "reversed", "dropout": 0.2}


def _luong(**changes: Any) -> RnnHParams:
    """Four layers of 1,000 (section 4.1), with Adam instead of SGD."""
    return lstm_seq2seq().replace(
        **{
            "hidden_size": 1000,
            "num_hidden_layers": 4,
            "multiply_embedding_mode": "none",
            "encoder_direction": "forward",
            "dropout": 0.0,
            "label_smoothing": 0.0,
            "attention_layer": "tanh",  # equation 5
            "attention_layer_size": 1000,
            "clip_grad_norm": 5.0,
            "batch_size": 128 * 50,
            "max_length": 50,
            **_ADAM,
            **changes,
        }
    )


# Behind each row: the BLEU of its table on newstest2014 English-German,
# without replacing unknown words. The ladder is Table 1.
LUONG_2015: dict[str, dict[str, Any]] = {
    "luong_base": {},  # 11.3
    "luong_reversed": {"encoder_direction": "reversed"},  # 12.6
    "luong_dropout": _WITH_DROPOUT,  # 14.0
    "luong_attention": {
        **_WITH_DROPOUT,
        **_LOCATION,
    },  # 16.8, global (location)
    "luong_global_location": {
        **_WITH_DROPOUT,
        "attention_mechanism": "location",
    },  # 18.1, with input feeding, as all below
    # Table 4.
    "luong_global_dot": {**_WITH_DROPOUT, "attention_mechanism": "dot"},  # 18.6
    "luong_global_general": {
        **_WITH_DROPOUT,
        "attention_mechanism": "general",
    },  # 17.3
    "luong_local_m_dot": {
        **_WITH_DROPOUT,
        "attention_mechanism": "dot",
        "attention_window": "local_m",
    },  # did not learn
    "luong_local_m_general": {
        **_WITH_DROPOUT,
        "attention_mechanism": "general",
        "attention_window": "local_m",
    },  # 18.6
    "luong_local_p_dot": {
        **_WITH_DROPOUT,
        "attention_mechanism": "dot",
        "attention_window": "local_p",
    },  # 18.0
    "luong_local_p_general": {
        **_WITH_DROPOUT,
        "attention_mechanism": "general",
        "attention_window": "local_p",
    },  # 19.0
}


def _row(changes: Mapping[str, Any]) -> Callable[[], RnnHParams]:
    def row() -> RnnHParams:
        return _luong(**changes)

    kinds = [changes.get(f"attention_{n}") for n in ("mechanism", "window")]
    said = " ".join(kind for kind in kinds if kind) or "no"
    row.__doc__ = f"A rung of Luong et al. 2015, 4 x 1000: {said} attention."
    return row


for _name, _changes in LUONG_2015.items():
    register_hparams(_row(_changes), name=_name)


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
        learning_rate_warmup_steps=400,
        batch_size=1024,
        max_length=64,
        batch_shapes=3,
    )
