"""What is wrong with runs, and what users are told: a table.

Run directories of this program and of tensor2tensor, their checkpoints, and
what is decoded with them.
"""

from tests.bad_input_damage import (
    NOT_UTF8,
    SHARD,
    cases,
    checkpoint,
    cut,
    fields,
    flip,
    folder,
    remove,
    write,
)

_DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000
_HPARAMS, _PROBLEM = "run/hparams.json", "run/problem.json"
_INDEX = "run/model.ckpt-6.index"
_TENSORS = "run/model.ckpt-6.data-00000-of-00001"
_VOCABULARY = "run/vocab.translate_from_files.8192.bpe"
_RECORD = "translations/translate_from_files.json"
_SUBWORDS = "t2t/vocab.translate_ende_wmt32k.32768.subwords"

_AVERAGE = "--model_dir={w}/run --n=2 --output_dir={w}/average"
_FOLLOW = "--model_dir={w}/run --source={w}/text/lines"
_FOLLOW += " --translations_dir={w}/translations"
_REPORT = "--output_dir={w}/run"
_IMPORT = "--t2t_output_dir={w}/t2t --output_dir={w}/ours"
_IMPORT += " --problem=translate_ende_wmt32k"
_DECODE = "--output_dir={w}/run --decode_from_file={w}/text/lines"
_DECODE += " --decode_to_file={w}/out"

RUN = cases(
    "t2t-avg-all",
    ("no run", _AVERAGE.replace("/run", "/text"), 1, "not a run directory"),
    ("run is a file", _AVERAGE.replace("/run", "/out"), 1, "not a run direc"),
    *(
        (name, _AVERAGE, 1, says, damage)
        for name, says, damage in (
            ("hparams cut", "is not JSON", cut(_HPARAMS)),
            ("hparams empty", "is not JSON", write(_HPARAMS, b"")),
            (
                "hparams bytes",
                "is not JSON",
                write(_HPARAMS, b"\xff"),
            ),
            ("hparams list", "a JSON object", write(_HPARAMS, b"[]")),
            ("hparams deep", "is not JSON", write(_HPARAMS, _DEEP)),
            ("hparams folder", "Is a directory", folder(_HPARAMS)),
            ("hparam unknown", "'x'", fields(_HPARAMS, x=1)),
            ("hparam lacking", "'pos'", fields(_HPARAMS, pos=...)),
            ("model lacking", "'model'", fields(_HPARAMS, model=...)),
            ("model a list", "'model'", fields(_HPARAMS, model=[1])),
            (
                "hparam NaN",
                "expected a finite number",
                fields(_HPARAMS, label_smoothing=float("nan")),
            ),
            (
                "hparam infinite",
                "expected a finite number",
                fields(_HPARAMS, clip_grad_norm=float("inf")),
            ),
            (
                "hparam huge",
                "expected at most 2147483647",
                fields(_HPARAMS, hidden_size=10**30),
            ),
            (
                "hparam a list",
                "pos='[1]': expected text",
                fields(_HPARAMS, pos=[1]),
            ),
            (
                "hparam below",
                "expected a value above 0",
                fields(_HPARAMS, num_heads=-2),
            ),
            ("problem missing", "does not exist", remove(_PROBLEM)),
            ("problem cut", "is not JSON", cut(_PROBLEM)),
            (
                "problem a number",
                "'problem'",
                fields(_PROBLEM, problem=5),
            ),
            (
                "languages",
                "'languages'",
                fields(_PROBLEM, languages="ab"),
            ),
            (
                "vocabulary elsewhere",
                "same folder",
                fields(_PROBLEM, vocabulary="../data/vocab.x"),
            ),
            (
                "vocabulary absolute",
                "same folder",
                fields(_PROBLEM, vocabulary="/etc/passwd"),
            ),
            (
                "vocabulary with NUL",
                "same folder",
                fields(_PROBLEM, vocabulary="a\0b"),
            ),
            ("vocabulary gone", "does not exist", remove(_VOCABULARY)),
            ("vocabulary folder", "Is a directory", folder(_VOCABULARY)),
            ("vocabulary cut", "restore the file", cut(_VOCABULARY)),
            ("vocabulary bit", "restore the file", flip(_VOCABULARY, 99)),
            ("index cut", "is damaged", cut(_INDEX)),
            ("index empty", "is damaged", write(_INDEX, b"")),
            ("index bit", "is damaged", flip(_INDEX, 30)),
            ("tensors cut", "is damaged", cut(_TENSORS)),
            ("tensors bit", "is damaged", flip(_TENSORS, 99)),
            ("tensors gone", "has 1 checkpoints", remove(_TENSORS)),
            (
                "other model",
                "different models",
                checkpoint("run/6", **{"a/b": [1.0]}),
            ),
        )
    ),
    ("too many", _AVERAGE.replace("n=2", "n=3"), 1, "has 2 checkpoints"),
    ("output exists", _AVERAGE.replace("average", "data"), 2, "is not empty"),
    ("output a file", _AVERAGE.replace("average", "out"), 2, "is a file"),
    (
        "second window",
        _AVERAGE.replace("n=2", "n=1"),
        1,
        "model.ckpt-6 is damaged",
        flip(_TENSORS, 99),
    ),
)

TRANSLATE_ALL = cases(
    "t2t-translate-all",
    ("no source", _FOLLOW.replace("lines", "no"), 1, "No such file"),
    ("latin-1", _FOLLOW.replace("lines", "latin1"), 1, NOT_UTF8),
    ("unequal", _FOLLOW + " --reference={w}/text/short", 1, "has 3 lines"),
    ("NaN", _FOLLOW + " --wait_minutes=nan", 2, "a finite number"),
    ("infinite", _FOLLOW + " --wait_minutes=inf", 2, "a finite number"),
    ("negative", _FOLLOW + " --min_steps=-5", 2, "--min_steps"),
    ("none so late", _FOLLOW + " --min_steps=7", 1, "has no checkpoint of 7"),
    ("no checkpoint", _FOLLOW, 1, "has no checkpoint", remove("run/model.*")),
    *(
        (f"record {name}", _FOLLOW, 1, says, damage)
        for name, says, damage in (
            (
                "of another",
                "is not of this command",
                write(_RECORD, b"{}"),
            ),
            (
                "of words",
                "is not of this command",
                write(
                    _RECORD,
                    b'{"made_from":{},"reference_sha256":"","scores":"ab"}',
                ),
            ),
            (
                "cut",
                "is not JSON",
                write(_RECORD, b'{"made_'),
            ),
        )
    ),
    *(
        (
            f"decode_hparams {text}",
            f"{_FOLLOW} --decode_hparams={text}",
            2,
            says,
        )
        for text, says in (
            ("beam=4", "unknown name 'beam'"),
            ("beam_size", "not of the form name=value"),
            ("beam_size=four", "expected a whole number"),
            ("beam_size=0", "expected"),
            ("beam_size=99999999999", "expected at most"),
            ("alpha=nan", "expected a finite number"),
            ("alpha=1e999", "expected a finite number"),
            ("alpha=-1", "alpha"),
            ("alpha=0.1,alpha=0.2", "alpha is given twice"),
        )
    ),
)

REPORT = cases(
    "t2t-report",
    ("NaN", _REPORT + " --device_tflops=nan", 2, "finite number"),
    ("no data", _REPORT + " --data_dir={w}/no", 2, "does not exist"),
    (
        "other data",
        _REPORT + " --data_dir={w}/data",
        1,
        "is not the vocabulary of the run",
        flip("data/vocab.translate_from_files.8192.bpe", 99),
    ),
    ("no scores", _REPORT + " --scores={w}/no", 1, "does not exist"),
    ("empty scores", _REPORT + " --scores={w}/text/empty", 1, "is not JSON"),
    (
        "other scores",
        _REPORT + " --scores={w}/run/problem.json",
        1,
        "is not what t2t-bleu",
    ),
    ("damaged", _REPORT, 1, "is damaged", flip(_INDEX, 30)),
    (
        "score that is no number",
        _REPORT + " --scores={w}/scores",
        1,
        "is not what t2t-bleu",
        write("scores", b'{"sacrebleu":{"score":NaN,"signature":"x"}}'),
    ),
    (
        "shapes",
        _REPORT,
        1,
        "batch_shapes.json does not say how many replicas",
        write("run/batch_shapes.json", b'{"replicas": [1]}'),
    ),
)

IMPORT = cases(
    "t2t-import-checkpoint",
    ("no run", _IMPORT.replace("{w}/t2t", "{w}/raw"), 1, "no hparams.json"),
    ("space", _IMPORT + " --target_space_id=32", 2, "--target_space_id"),
    ("output", _IMPORT.replace("ours", "run"), 2, "is not empty"),
    ("problem", _IMPORT.replace("32k", "23k"), 2, "Did you mean"),
    *(
        (name, _IMPORT, 1, says, damage)
        for name, says, damage in (
            ("cut", "is not JSON", cut("t2t/hparams.json")),
            ("deep", "is not JSON", write("t2t/hparams.json", _DEEP)),
            (
                "a number",
                "data_dir='5'",
                fields("t2t/hparams.json", data_dir=5),
            ),
            (
                "other network",
                "cannot be imported",
                fields("t2t/hparams.json", ffn_layer="moe"),
            ),
            (
                "null",
                "expected a whole number",
                fields("t2t/hparams.json", hidden_size=None),
            ),
            ("no vocabulary", "no vocabulary", remove(_SUBWORDS)),
            ("empty", "line 1: the file is empty", write(_SUBWORDS, b"")),
            (
                "twice",
                "line 3: '<EOS>_' was on line 2",
                write(_SUBWORDS, b"'<pad>_'\n'<EOS>_'\n'<EOS>_'\n"),
            ),
            ("cut words", "line", cut(_SUBWORDS)),
            (
                "no quotes",
                "line 1: no subtoken in quotes",
                write(_SUBWORDS, b"<pad>_\n"),
            ),
            ("latin-1", "it is not UTF-8", write(_SUBWORDS, b"'\xe4'\n")),
            ("no checkpoint", "has no model.ckpt-", remove("t2t/model.*")),
            ("lacks variables", "t2t/model.ckpt-5 has no transformer/", None),
        )
    ),
)

DECODER = cases(
    "t2t-decoder",
    ("no input", _DECODE.replace("lines", "no") + "2", 1, "No such file"),
    ("latin-1", _DECODE.replace("lines", "latin1") + "2", 1, NOT_UTF8),
    ("output exists", _DECODE, 2, "exists"),
    ("no folder", _DECODE + "side/x", 2, "does not exist"),
    ("other problem", _DECODE + "2 --problem=x", 2, "--problem=x, but"),
    ("no run", _DECODE.replace("/run", "/raw") + "2", 1, "not a run directory"),
    (
        "no checkpoint",
        _DECODE + "2 --checkpoint_path={w}/run/model.ckpt-7",
        1,
        "model.ckpt-7",
    ),
    ("damaged", _DECODE + "2", 1, "is damaged", flip(_TENSORS, 99)),
    (
        "unequal",
        _DECODE + "2 --decode_reference={w}/text/short",
        1,
        "has 3 lines",
    ),
)

_LIST = "--problem=translate_from_files --data_dir={w}/data"
_LIST += " --output_file={w}/new"

SHORTLIST = [
    *cases(
        "t2t-decoder",
        ("no shortlist", _DECODE + "2 --shortlist={w}/no", 1, "No such file"),
        ("folder for it", _DECODE + "2 --shortlist={w}/raw", 1, "directory"),
        ("text for it", _DECODE + "2 --shortlist={w}/out", 1, "not a whole"),
        (
            "as an option",
            _DECODE + "2 --decode_hparams=shortlist={w}/run/problem.json",
            1,
            "make it again with t2t-shortlist",
        ),
    ),
    *cases(
        "t2t-shortlist",
        (
            "no output",
            _LIST.replace("--output_file={w}/new", ""),
            2,
            "--output",
        ),
        ("output exists", _LIST.replace("/new", "/out"), 2, "exists"),
        ("no folder", _LIST + "/x", 2, "does not exist"),
        ("too few", _LIST + " --size=2", 2, "--size"),
        ("no problem", _LIST.replace("_from_files", "_x"), 2, "unknown"),
        ("no data", _LIST.replace("/data", "/raw"), 1, "run t2t-datagen"),
        ("damaged", _LIST, 1, "is damaged", cut(SHARD, 0.3)),
    ),
]

CASES = [*RUN, *TRANSLATE_ALL, *REPORT, *IMPORT, *DECODER, *SHORTLIST]
