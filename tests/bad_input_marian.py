"""What is wrong with folders of MarianMT models, and what users are told."""

import json
import pathlib
import struct

from tests.bad_input_damage import (
    Damage,
    both,
    cases,
    cut,
    fields,
    flip,
    folder,
    remove,
    write,
)

_CONFIG = "marian/config.json"
_GENERATION = "marian/generation_config.json"
_TENSORS = "marian/model.safetensors"
_H5 = "marian/tf_model.h5"
_DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000
_IMPORT = "--marian={w}/marian --output_dir={w}/ours"
_GENERATE = "--problem=translate_from_files --tmp_dir={w}/raw "
_EXPORT = "--output_dir={w}/run --format=huggingface --export_dir={w}/new"


def _header(**said: object) -> Damage:
    text = json.dumps(said).encode()
    return write(_TENSORS, struct.pack("<Q", len(text)) + text)


def _link(name: str, to: str) -> Damage:
    def damage(world: pathlib.Path) -> None:
        (world / name).unlink()
        (world / name).symlink_to(to)

    return damage


CASES = (
    cases(
        "t2t-import-checkpoint",
        (
            "marian no folder",
            _IMPORT.replace("/marian ", "/no "),
            1,
            "config.json",
        ),
        (
            "marian a run",
            _IMPORT.replace("/marian ", "/run "),
            1,
            "config.json",
        ),
        (
            "marian and tensor2tensor",
            _IMPORT + " --t2t_output_dir={w}/t2t",
            2,
            "leave one out",
        ),
        (
            "marian, a checkpoint",
            _IMPORT + " --checkpoint_path=x",
            2,
            "leave one out",
        ),
        (
            "marian, no place",
            "--marian={w}/marian",
            2,
            "--output_dir is required",
        ),
        (
            "marian onto a run",
            _IMPORT.replace("/ours", "/run"),
            2,
            "is not empty",
        ),
        (
            "marian, no problem",
            _IMPORT + " --problem=translate_x",
            2,
            "unknown problem",
        ),
        *(
            (f"marian {name}", _IMPORT, 1, says, damage)
            for name, says, damage in (
                ("config cut", "is not JSON", cut(_CONFIG)),
                ("config deep", "is not JSON", write(_CONFIG, _DEEP)),
                ("config folder", "has no config.json", folder(_CONFIG)),
                (
                    "other model",
                    "model_type='bart'",
                    fields(_CONFIG, model_type="bart"),
                ),
                ("no size", "lacks 'd_model'", fields(_CONFIG, d_model=...)),
                ("size a text", "d_model=16", fields(_CONFIG, d_model="16")),
                (
                    "size huge",
                    "at most 2147483647",
                    fields(_CONFIG, d_model=10**30),
                ),
                ("size odd", "does not divide", fields(_CONFIG, d_model=15)),
                (
                    "one layer more",
                    "has no model.encoder.layers.1.",
                    fields(_CONFIG, encoder_layers=2),
                ),
                (
                    "two widths",
                    "only a model with one value",
                    fields(_CONFIG, decoder_ffn_dim=29),
                ),
                (
                    "activation",
                    "expected one of 'relu', 'swish', 'gelu'",
                    fields(_CONFIG, activation_function="tanh"),
                ),
                (
                    "another vocabulary",
                    "the source vocabulary makes it",
                    fields(_CONFIG, vocab_size=99),
                ),
                (
                    "another padding",
                    "pad_token_id=3",
                    fields(_CONFIG, pad_token_id=3, decoder_start_token_id=3),
                ),
                (
                    "beams a text",
                    "num_beams=six",
                    fields(_GENERATION, num_beams="six"),
                ),
                ("no beams", "num_beams=0", fields(_GENERATION, num_beams=0)),
                (
                    "penalty NaN",
                    "length_penalty=nan",
                    fields(_GENERATION, length_penalty=float("nan")),
                ),
                ("generation list", "a JSON object", write(_GENERATION, b"[]")),
                (
                    "no tokenizer",
                    "source.spm does not exist",
                    remove("marian/source.spm"),
                ),
                (
                    "tokenizer cut",
                    "target.spm is not a SentencePiece model",
                    write("marian/target.spm", b"\xff\xfe"),
                ),
                (
                    "tokenizer empty",
                    "source.spm is not a SentencePiece model",
                    write("marian/source.spm", b""),
                ),
                (
                    "pieces twice",
                    "does not number its",
                    fields("marian/vocab.json", the=1),
                ),
                (
                    "pieces without an end",
                    "vocab.json",
                    write("marian/vocab.json", b'{"<pad>": 0, "<unk>": 1}'),
                ),
                ("weights cut", "not a whole safetensors", cut(_TENSORS)),
                ("weights empty", "it has 0 bytes", write(_TENSORS, b"")),
                (
                    "weights a terabyte",
                    "its header has",
                    write(_TENSORS, struct.pack("<Q", 10**12) + b"{}"),
                ),
                ("weights of no text", "is not JSON", flip(_TENSORS, 9)),
                (
                    "weights elsewhere",
                    "lies from 0 to 4",
                    _header(
                        a={"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}
                    ),
                ),
                ("weights of none", "has no model.shared.weight", _header()),
                (
                    "weights a folder",
                    "tf_model.h5",
                    both(folder(_TENSORS), cut(_H5)),
                ),
                (
                    "h5 cut",
                    "not a whole file of Keras weights",
                    both(remove(_TENSORS), cut(_H5)),
                ),
                (
                    "h5 text",
                    "not a whole file of Keras weights",
                    both(remove(_TENSORS), write(_H5, b"text")),
                ),
                (
                    "a pickle",
                    "save_pretrained(",
                    both(
                        remove("marian/*model.*[st5]"),
                        write("marian/pytorch_model.bin", b"cos\nsystem\n."),
                    ),
                ),
                (
                    "no weights",
                    "give the whole folder",
                    remove("marian/*model.*[st5]"),
                ),
                (
                    "config a device",
                    "config.json",
                    _link(_CONFIG, "/dev/zero"),
                ),
            )
        ),
    )
    + cases(
        "t2t-exporter",
        (
            "huggingface, pre-norm",
            _EXPORT,
            2,
            "layer_preprocess_sequence=n",
            fields(
                "run/hparams.json",
                layer_preprocess_sequence="n",
                layer_postprocess_sequence="da",
            ),
        ),
        (
            "huggingface, sinusoids in halves",
            _EXPORT,
            2,
            "pos=timing",
            fields("run/hparams.json", pos="timing"),
        ),
    )
    + cases(
        "t2t-datagen",
        (
            "vocabulary of no run",
            _GENERATE + "--data_dir={w}/new --vocabulary_of={w}/text",
            1,
            "not a run directory",
        ),
        (
            "vocabulary of another",
            _GENERATE + "--data_dir={w}/data --vocabulary_of={w}/run",
            2,
            "has the vocabulary",
            write("data/vocab.translate_from_files.8192.bpe", b"another"),
        ),
    )
)
