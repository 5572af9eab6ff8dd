"""Makes the models of this folder, and what transformers computes with them.

Three MarianMT models with random weights, in folders as the Hub stores them,
and beside each NAME.npz. The files here were made with transformers 5.24.0,
PyTorch 2.13.0 and sentencepiece 0.2.3 in an environment of their own:

  python make.py .

and tf_model.h5 of `multilingual` in another one, with the library's last
TensorFlow classes (transformers 4.46.3, TensorFlow 2.18.1, tf-keras 2.18.0):

  TF_USE_LEGACY_KERAS=1 python make.py . --tensorflow

The libraries are looked for by name: they are no dependency of this project.

Every number is random, biases, norms and the padding's vector included, as
training would have left them.
"""

import argparse
import importlib
import io
import itertools
import json
import pathlib
import shutil
import tempfile
from typing import Any

import numpy as np

_SUBJECTS = "a man|the old woman|two girls|our teacher|a small dog|the king"
_VERBS = "sees|paints|reads|sells|carries|forgets"
_OBJECTS = "the house|a red hat|three letters|this bridge|her blue bicycle"
_PLACES = "in the snow|at night|by the river|in May, 1887|with a smile"
_GERMAN = "der alte Mann|zwei Mädchen|unser König|ein kleiner Hund"
_GERMAN_ENDS = "sieht das Haus.|liest drei Briefe.|vergißt den Hut."

# Sizes, and what differs from an OPUS-MT model: name, config, generation.
_CASES = {
    "plain": (
        dict(d_model=24, layers=(2, 2), heads=3, ffn=40, activation="swish"),
        dict(share=True, tie=True, scale=True, languages=()),
        dict(num_beams=4, length_penalty=1.0),
    ),
    "multilingual": (
        dict(d_model=16, layers=(1, 2), heads=4, ffn=28, activation="relu"),
        dict(
            share=True,
            tie=True,
            scale=False,
            languages=(">>deu<<", ">>fra<<", ">>nld<<"),
        ),
        dict(num_beams=6, length_penalty=1.2, renormalize_logits=True),
    ),
    "separate": (
        dict(d_model=20, layers=(2, 1), heads=2, ffn=32, activation="gelu"),
        dict(share=False, tie=True, scale=True, languages=()),
        dict(num_beams=4, length_penalty=1.0),
    ),
}
_NEW_IDS = 30
# How much attention to the source is enlarged, and the end's logit raised.
_CROSS, _END = 2.5, 2.0
_LINES = 16


def main() -> None:
    """Makes all models, or the TensorFlow file of the one that has it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tensorflow", action="store_true")
    parser.add_argument("--seed", type=int, default=20261129)
    given = parser.parse_args()
    if given.tensorflow:
        _save_tensorflow(given.folder / "multilingual")
        return
    for number, name in enumerate(_CASES):
        _make(given.folder, name, given.seed + number)


def _library(name: str) -> Any:
    """One that is in the environment of this script alone."""
    return importlib.import_module(name)


def _make(place: pathlib.Path, name: str, seed: int) -> None:
    torch = _library("torch")
    transformers = _library("transformers")

    sizes, form, generation = _CASES[name]
    folder = place / name
    folder.mkdir(parents=True, exist_ok=True)
    rows = _tokenizer(folder, form["share"], form["languages"])
    pad = rows[0] - 1
    tokenizer = transformers.MarianTokenizer.from_pretrained(
        folder, separate_vocabs=not form["share"]
    )
    tokenizer.save_pretrained(folder)
    config = transformers.MarianConfig(
        vocab_size=rows[0],
        decoder_vocab_size=rows[1],
        d_model=sizes["d_model"],
        encoder_layers=sizes["layers"][0],
        decoder_layers=sizes["layers"][1],
        encoder_attention_heads=sizes["heads"],
        decoder_attention_heads=sizes["heads"],
        encoder_ffn_dim=sizes["ffn"],
        decoder_ffn_dim=sizes["ffn"],
        activation_function=sizes["activation"],
        max_position_embeddings=128,
        pad_token_id=pad,
        decoder_start_token_id=pad,
        eos_token_id=0,
        forced_eos_token_id=None,
        scale_embedding=form["scale"],
        share_encoder_decoder_embeddings=form["share"],
        tie_word_embeddings=form["tie"],
    )
    model = transformers.MarianMTModel(config).eval()
    _randomize(model, seed)
    model.generation_config.update(**generation, bad_words_ids=[[pad]])
    model.save_pretrained(folder)
    lines = _lines(form["languages"])
    inputs = tokenizer(lines, padding=True, return_tensors="pt")
    targets = tokenizer(
        text_target=_german()[: len(lines)], padding=True, return_tensors="pt"
    )["input_ids"]
    start = torch.full((len(lines), 1), pad)
    with torch.no_grad():
        logits = model(
            **inputs,
            decoder_input_ids=torch.cat([start, targets[:, :-1]], dim=1),
        ).logits
    found = {}
    for beams in (1, 4, 6):
        result = model.generate(
            **inputs,
            num_beams=beams,
            max_new_tokens=_NEW_IDS,
            output_scores=True,
            return_dict_in_generate=True,
        )
        found[f"beam{beams}_ids"] = result.sequences.numpy()
        if beams > 1:
            found[f"beam{beams}_scores"] = result.sequences_scores.numpy()
        texts = tokenizer.batch_decode(
            result.sequences, skip_special_tokens=True
        )
        found[f"beam{beams}_texts"] = np.array(texts)
    np.savez_compressed(
        place / f"{name}.npz",
        lines=np.array(lines),
        source_ids=inputs["input_ids"].numpy(),
        targets=np.array(_german()[: len(lines)]),
        target_ids=targets.numpy(),
        logits=logits.numpy(),
        **found,
    )


def _randomize(model: object, seed: int) -> None:
    """Gives every number a value; hypotheses end after some ids."""
    torch = _library("torch")

    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "embed_positions" in name:
                continue
            value = torch.randn(weight.shape, generator=chance)
            if weight.dim() == 2:
                value *= 1.6 * weight.shape[1] ** -0.5
                # Or all sentences would begin, and so go on, alike.
                value *= _CROSS if "encoder_attn" in name else 1.0
            elif name.endswith("norm.weight"):
                value = 1.0 + 0.2 * value
            else:
                value *= 0.2
            weight.copy_(value)
        bias = model.final_logits_bias
        bias.copy_(0.3 * torch.randn(bias.shape, generator=chance))
        bias[0, 0] += _END


def _tokenizer(
    folder: pathlib.Path, is_shared: bool, languages: tuple[str, ...]
) -> tuple[int, int]:
    """Writes the tokenizer's files; returns the sizes of the two lists."""
    sentencepiece = _library("sentencepiece")

    pieces = []
    for name, text in (("source", _english()), ("target", _german())):
        # Through a stream: a file would keep the name of the folder.
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(text),
            model_writer=model,
            vocab_size=70 if name == "source" else 60,
            hard_vocab_limit=False,
            # OPUS-MT's nmt_nfkc has a table of 240 kB.
            normalization_rule_name="identity",
            minloglevel=2,
        )
        (folder / f"{name}.spm").write_bytes(model.getvalue())
        processor = sentencepiece.SentencePieceProcessor(
            model_proto=model.getvalue()
        )
        size = processor.get_piece_size()
        # Unknown, <s> and </s> come first.
        pieces.append([processor.id_to_piece(i) for i in range(3, size)])
    lists = [[*pieces[0], *pieces[1]]] * 2 if is_shared else pieces
    sizes = []
    # A MarianMT model has one number for the padding, in both lists.
    room = max(len(dict.fromkeys(own)) for own in lists)
    for own, name in zip(lists, ("vocab", "target_vocab"), strict=True):
        if is_shared and name == "target_vocab":
            sizes *= 2
            break
        words = list(dict.fromkeys(own))
        words += [f"\u2581unused{i}" for i in range(room - len(words))]
        listed = ["</s>", "<unk>", *words, *languages, "<pad>"]
        ids = {piece: number for number, piece in enumerate(listed)}
        text = json.dumps(ids, indent=2, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
        sizes.append(len(ids))
    return tuple(sizes)


def _product(*parts: str) -> list[str]:
    words = [part.split("|") for part in parts]
    return [" ".join(chosen) for chosen in itertools.product(*words)]


def _english() -> list[str]:
    return _product(_SUBJECTS, _VERBS, _OBJECTS, _PLACES)


def _german() -> list[str]:
    return _product(_GERMAN, _GERMAN_ENDS) * 2


def _lines(languages: tuple[str, ...]) -> list[str]:
    """Some of the text, each with a language in front where there are any."""
    lines = [*_english()[:: 900 // (_LINES - 3)][: _LINES - 3]]
    lines += ["Ein Wort: naïve \u2014 (x)", "  two  spaces ", "the"]
    codes = itertools.cycle(languages or ("",))
    return [
        f"{code} {line}" if code else line
        for code, line in zip(codes, lines, strict=False)
    ]


def _save_tensorflow(folder: pathlib.Path) -> None:
    transformers = _library("transformers")

    model = transformers.TFMarianMTModel.from_pretrained(folder)
    with tempfile.TemporaryDirectory() as place:
        # Its config.json would replace the younger one.
        model.save_pretrained(place, safe_serialization=False)
        shutil.copy(f"{place}/tf_model.h5", folder)


if __name__ == "__main__":
    main()
