"""Sets of ConvS2S: Gehring et al. 2017, arXiv:1705.03122.

Section 4 gives sizes of layers for each language pair; the sizes of embeddings
are those of fairseq's `fconv_*` architectures, by the paper's authors. They
trained with Nesterov's accelerated gradient (momentum 0.99, learning rate 0.25
divided by 10 when the validation loss stops falling). Here every model has the
same optimizer, Adam with the Transformer's warm-up, as a comparison wants it.
"""

from t2t_repro.models.convs2s_hparams import ConvS2SHParams
from t2t_repro.registry import register_hparams

from .recipes import MULTI30K, NOAM, PLAIN, TINY


@register_hparams
def convs2s_wmt_ende() -> ConvS2SHParams:
    """English-German of Table 1 (BLEU 25.16): 15 layers on each side."""
    return ConvS2SHParams(
        # fairseq's fconv_wmt_en_de.
        hidden_size=768,
        output_size=512,
        encoder_convolutions="9*512x3+4*1024x3+2*2048x1",
        decoder_convolutions="9*512x3+4*1024x3+2*2048x1",
        num_hidden_layers=15,
        kernel_width=3,
        attention_layers="all",  # section 3.3
        share_input_output_embed=False,
        multiply_embedding_mode="none",
        dropout=0.2,  # fairseq's recipe for this architecture
        label_smoothing=0.0,  # not in the paper
        clip_grad_norm=0.1,  # section 4.2
        batch_size=4000,  # fairseq's --max-tokens for one GPU
        max_length=256,  # tensor2tensor's; the paper drops above 175 words
        **PLAIN,
        **NOAM,  # not the paper's; see above
    )


@register_hparams
def convs2s_wmt_enfr() -> ConvS2SHParams:
    """English-French of Table 1 (BLEU 40.46); fairseq's fconv_wmt_en_fr."""
    layers = "6*512x3+4*768x3+3*1024x3+1*2048x1+1*4096x1"
    return convs2s_wmt_ende().replace(
        encoder_convolutions=layers,
        decoder_convolutions=layers,
        dropout=0.1,  # fairseq's recipe for this architecture
    )


@register_hparams
def convs2s_wmt_enro() -> ConvS2SHParams:
    """English-Romanian of Table 1: 20 layers of 512; fconv_wmt_en_ro."""
    return convs2s_wmt_ende().replace(
        hidden_size=512,
        encoder_convolutions="",
        decoder_convolutions="",
        num_hidden_layers=20,
    )


@register_hparams
def convs2s_multi30k() -> ConvS2SHParams:
    """About as many parameters as `transformer_multi30k`, and its recipe.

    Five layers of 128 channels on each side have 1.2 million weights beside
    the embeddings, its four and four have 1.3.
    """
    return convs2s_wmt_ende().replace(
        hidden_size=128,
        output_size=0,
        encoder_convolutions="",
        decoder_convolutions="",
        num_hidden_layers=5,
        **MULTI30K,
    )


@register_hparams
def convs2s_tiny() -> ConvS2SHParams:
    """Two layers for tests and a first look, sized as `transformer_tiny`."""
    return convs2s_multi30k().replace(num_hidden_layers=2, dropout=0.1, **TINY)
