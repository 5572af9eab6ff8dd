"""The folder of a MarianMT model, as `from_pretrained` opens it.

    config.json             sizes and ids
    generation_config.json  how it translates; once it stood in config.json
    model.safetensors       weights, or tf_model.h5 of the TensorFlow models
    source.spm, target.spm, vocab.json, tokenizer_config.json    the tokenizer

`marian_hparams` and `marian_weights` know what stands in them. No pickle is
read or written: a pytorch_model.bin is a program that would be run.

Left out: weights cut over several files, which no OPUS-MT model has.
"""

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np

from t2t_repro import files
from t2t_repro.errors import InputError, UsageError
from t2t_repro.interop import (
    keras_h5,
    marian_hparams,
    marian_weights,
    safetensors,
)
from t2t_repro.run_directory import Run
from t2t_repro.text import marian as vocabularies
from t2t_repro.text import subwords
from t2t_repro.text.encoder import EOS_ID, PAD_ID

_CONFIG, _GENERATION = "config.json", "generation_config.json"
_TOKENIZER = "tokenizer_config.json"
_WEIGHTS = {"model.safetensors": safetensors.read, "tf_model.h5": keras_h5.read}
_PICKLE = "pytorch_model.bin"
_LARGEST_TEXT = 2**26  # bytes of a JSON file or a tokenizer's model

# Most positions of either side: transformers computes so many sinusoids.
_POSITIONS = 1024
# Pieces at most, of what a tokenizer cuts and of a translation: OPUS-MT's.
_LONGEST = 512
# Settings of `generate` that our search has not, with what they do nothing at.
_NOT_FOLLOWED = {
    "early_stopping": False,
    "no_repeat_ngram_size": 0,
    "repetition_penalty": 1.0,
    "num_beam_groups": 1,
    "do_sample": False,
    "min_length": 0,
}
_MOST_BEAMS, _HIGHEST_PENALTY = 1000, 10.0


@dataclasses.dataclass(frozen=True)
class Folder:
    """What the files of a model say, its weights not yet read.

    Attributes:
      path: the folder.
      config: parsed config.json.
      generation: the settings of `generate`, from either file.
      tokenizer: parsed tokenizer_config.json, or nothing.
      vocabulary: the tokenizer's files, for `text.marian.pack`.
    """

    path: pathlib.Path
    config: dict[str, Any]
    generation: dict[str, Any]
    tokenizer: dict[str, Any]
    vocabulary: dict[str, bytes]

    @property
    def languages(self) -> tuple[str, str] | None:
        """Source and target, where the tokenizer says them."""
        match self.tokenizer:
            case {"source_lang": str(source), "target_lang": str(target)}:
                return source, target
        return None

    def hparams(self) -> Any:
        """See `marian_hparams.hparams`."""
        return marian_hparams.hparams(self.config, str(self.path / _CONFIG))

    def check_ids(self, encoder: vocabularies.MarianEncoder) -> None:
        """Raises InputError where config.json and the tokenizer differ."""
        # Of one list, decoder_vocab_size is read by nobody.
        size = "vocab_size" if encoder.is_shared else "decoder_vocab_size"
        for side, rows, field in (
            ("source", encoder.source_rows, "vocab_size"),
            ("target", encoder.target_rows, size),
        ):
            ids = {
                field: max(rows) + 1,
                "pad_token_id": rows[PAD_ID],
                "eos_token_id": rows[EOS_ID],
            }
            for name, number in ids.items():
                said = self.config.get(name)
                if said != number:
                    raise InputError(
                        f"{self.path / _CONFIG}: {name}={str(said)[:40]}, but"
                        f" the {side} vocabulary makes it {number}: they are"
                        " not of one model."
                    )

    def decode_hparams(self) -> tuple[str, list[str]]:
        """`--decode_hparams` by which `generate` would translate.

        Returns:
          Them, and the settings that are not followed.

        Raises:
          InputError: a setting is no number, or none that can be.
        """
        said = self.generation
        beams = self._setting("num_beams", 1, 1, _MOST_BEAMS)
        if beams != int(beams):
            raise self._wrong("num_beams", "a whole number")
        penalty = self._setting("length_penalty", 1.0, 0.0, _HIGHEST_PENALTY)
        kind = "huggingface"
        if said.get("renormalize_logits") is True:
            kind += "_renormalized"
        others = [
            f"{name}={str(said[name])[:40]}"
            for name, nothing in _NOT_FOLLOWED.items()
            if said.get(name) not in (None, nothing)
        ]
        text = f"search={kind},beam_size={int(beams)},alpha={float(penalty)}"
        return text, others

    def tensors(self) -> tuple[dict[str, np.ndarray], pathlib.Path]:
        """The weights by transformers' names, and the file they were read from.

        Raises:
          InputError: there are none, or only such as cannot be read safely.
        """
        for name, read in _WEIGHTS.items():
            if (self.path / name).is_file():
                return read(self.path / name), self.path / name
        if (self.path / _PICKLE).exists():
            raise InputError(
                f"{self.path} has its weights as {_PICKLE}, a pickle, which is"
                " code: convert it where transformers is installed, by python"
                ' -c "from transformers import MarianMTModel as M;'
                f" M.from_pretrained('{self.path}').save_pretrained("
                f"'{self.path}')\"."
            )
        raise InputError(
            f"{self.path} has no {' and no '.join(_WEIGHTS)}: give the whole"
            " folder of a MarianMT model."
        )

    def _setting(
        self, name: str, default: float, least: float, most: float
    ) -> float:
        value = self.generation.get(name)
        if value is None:
            return default
        is_number = isinstance(value, int | float) and type(value) is not bool
        if not is_number or not least <= value <= most:
            raise self._wrong(name, f"a number from {least} to {most}")
        return value

    def _wrong(self, name: str, expected: str) -> InputError:
        return InputError(
            f"{self.path}: {name}={str(self.generation[name])[:40]} of"
            f" {_GENERATION} or {_CONFIG}: expected {expected}."
        )


def open_folder(path: pathlib.Path) -> Folder:
    """Reads all but the weights.

    Raises:
      InputError: it is no folder of a MarianMT model, or a file is damaged.
    """
    if not (path / _CONFIG).is_file():
        raise InputError(
            f"{path} has no {_CONFIG}: give the folder of a MarianMT model, as"
            " it is downloaded from the Hugging Face Hub."
        )
    config = files.json_object(_bytes(path / _CONFIG), path / _CONFIG)
    optional = [
        files.json_object(_bytes(path / name), path / name)
        if (path / name).is_file()
        else {}
        for name in (_GENERATION, _TOKENIZER)
    ]
    names = [
        vocabularies.SOURCE,
        vocabularies.TARGET,
        vocabularies.VOCABULARY,
    ]
    if optional[1].get("separate_vocabs") is True:
        names.append(vocabularies.TARGET_VOCABULARY)
    return Folder(
        path=path,
        config=config,
        generation={**config, **optional[0]},
        tokenizer=optional[1],
        vocabulary={name: _bytes(path / name) for name in names},
    )


def check(run: Run) -> None:
    """Raises UsageError for a run that cannot be a MarianMT model."""
    marian_hparams.check(run.hparams)
    if run.vocabulary.suffix == subwords.SUFFIX:
        raise UsageError(
            f"--format=huggingface: {run.vocabulary.name} has tensor2tensor's"
            " subwords, and MarianTokenizer cuts by SentencePiece models alone:"
            " train with a problem whose vocab_kind is bpe."
        )
    if not run.open_problem().has_plain_lines:
        raise UsageError(
            f"--format=huggingface: {run.problem} makes its lines in Python,"
            " which MarianTokenizer does not: take --format=keras_weights."
        )


def export(run: Run, options: Any, model: Any, folder: pathlib.Path) -> None:
    """Writes the folder.

    Args:
      run: such as `check` passes.
      options: how it translates, `decode.options.DecodeOptions`.
      model: with its weights.
      folder: an empty one.
    """
    hparams: Any = run.hparams
    members, rows = _vocabulary(run)
    tensors = marian_weights.tensors(
        {p: np.asarray(w.value) for p, w in model.weights_by_path().items()},
        hparams,
        rows,
    )
    safetensors.write(folder / "model.safetensors", tensors)
    for name, data in members.items():
        files.replace_file(folder / name, data)
    ids = {
        "decoder_start_token_id": rows.target_rows[PAD_ID],
        "eos_token_id": rows.target_rows[EOS_ID],
        "forced_eos_token_id": rows.target_rows[EOS_ID],
        "pad_token_id": rows.target_rows[PAD_ID],
    }
    _write_json(folder / _CONFIG, _config(hparams, rows) | ids)
    _write_json(folder / _GENERATION, _generation(options, ids))
    _write_json(folder / _TOKENIZER, _tokenizer(run, members))


def _config(hparams: Any, rows: Any) -> dict[str, Any]:
    return marian_hparams.config(hparams) | {
        "architectures": ["MarianMTModel"],
        "bos_token_id": None,
        "decoder_vocab_size": max(rows.target_rows) + 1,
        "dtype": "float32",
        "max_position_embeddings": _POSITIONS,
        "use_cache": True,
        "vocab_size": max(rows.source_rows) + 1,
    }


def _generation(options: Any, ids: dict[str, int]) -> dict[str, Any]:
    values = {
        **ids,
        "bad_words_ids": [[ids["pad_token_id"]]],
        "length_penalty": options.alpha,
        "max_length": _LONGEST,
        "num_beams": options.beam_size,
    }
    if options.search == "huggingface_renormalized":
        values["renormalize_logits"] = True
    return values


def _tokenizer(run: Run, members: dict[str, bytes]) -> dict[str, Any]:
    source, target = run.languages
    return {
        "eos_token": vocabularies.EOS,
        "model_max_length": _LONGEST,
        "pad_token": vocabularies.PAD,
        "separate_vocabs": vocabularies.TARGET_VOCABULARY in members,
        "source_lang": source,
        "sp_model_kwargs": {},
        "target_lang": target,
        "tokenizer_class": "MarianTokenizer",
        "unk_token": vocabularies.UNKNOWN,
    }


@dataclasses.dataclass(frozen=True)
class _Rows:
    """Which id of the folder each of ours is; see `text.marian`."""

    source_rows: list[int]
    target_rows: list[int]


def _vocabulary(run: Run) -> tuple[dict[str, bytes], Any]:
    """The tokenizer's files, and which of their ids each of ours is."""
    encoder: Any = run.encoder()
    if run.vocabulary.suffix == vocabularies.SUFFIX:
        return vocabularies.unpack(run.vocabulary), encoder
    pieces = encoder.pieces(range(encoder.vocab_size))
    special = [vocabularies.PAD, vocabularies.EOS, vocabularies.UNKNOWN]
    if pieces[:3] != special or len(set(pieces)) < len(pieces):
        raise UsageError(
            f"--format=huggingface: {run.vocabulary.name} begins with"
            f" {', '.join(pieces[:3])}, MarianTokenizer needs"
            f" {', '.join(special)}: learn the vocabulary with t2t-datagen."
        )
    model = run.vocabulary.read_bytes()
    members = {
        vocabularies.SOURCE: model,
        vocabularies.TARGET: model,
        vocabularies.VOCABULARY: vocabularies.vocabulary_json(
            [*pieces[1:], vocabularies.PAD]
        ),
    }
    # As in OPUS-MT, the end is 0 and the padding last: for a padding of 0
    # `generate` puts ends of sentence.
    rows = [len(pieces) - 1, *range(len(pieces) - 1)]
    return members, _Rows(rows, rows)


def _bytes(path: pathlib.Path) -> bytes:
    try:
        # A pipe or a device would never end.
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is no file: put the model's own there.")
        size = path.stat().st_size
        if size > _LARGEST_TEXT:
            raise InputError(
                f"{path} has {files.size_text(size)}, expected at most"
                f" {files.size_text(_LARGEST_TEXT)}: it is no MarianMT model's."
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist: give the whole folder of a MarianMT model,"
            " tokenizer included."
        ) from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}.") from error


def _write_json(path: pathlib.Path, values: dict[str, Any]) -> None:
    text = json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False)
    files.replace_file(path, text + "\n")
