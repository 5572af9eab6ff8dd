"""What is wrong with a training as a whole, and what users are told: a table.

Flags that do not go together, or with the run; text that is not whole.
"""

from tests.bad_input_damage import both, cases, fields, folder, remove, write

_NEW = "--problem=translate_from_files --data_dir={w}/data"
_NEW += " --output_dir={w}/new --hparams_set=transformer_tiny"
_GENERATING = _NEW.replace("/data", "/made") + " --generate_data"
_GENERATING += " --tmp_dir={w}/raw"
_AGAIN = "--data_dir={w}/data --output_dir={w}/run"
_RECORD = "run/train.json"
_STANDING = (
    b'{"version": 1, "random_seed": 1, "precision": "float32",'
    b' "deterministic": false, "eval_steps": 100,'
    b' "eval_bleu_sentences": 200, "warm_start_from": null}'
)
_DECODE = "--output_dir={w}/run --decode_from_file={w}/text/lines"
_DECODE += " --decode_to_file={w}/out2 --checkpoint"

TRAINER = cases(
    "t2t-trainer",
    (
        "packed rows for a family that cannot read them",
        _NEW.replace("transformer_tiny", "rnn_tiny")
        + " --hparams=pack_dataset=true",
        2,
        "unknown name 'pack_dataset'. It belongs to the model transformer",
    ),
    (
        "output is data",
        _NEW.replace("/new", "/data/../data"),
        2,
        "is --data_dir: a run has a folder of its own",
    ),
    (
        "average of too many",
        _GENERATING + " --train_steps=3000 --average_last=8",
        2,
        "makes only 3 checkpoints",
    ),
    (
        "average between",
        _GENERATING + " --train_steps=3500 --average_last=3",
        2,
        "--train_steps=3500 is no multiple",
    ),
    (
        "average of more than were kept",
        _AGAIN + " --train_steps=6 --average_last=3",
        2,
        "makes only 2 checkpoints",
    ),
    (
        "best without evaluations",
        _GENERATING + " --keep_best=2 --schedule=train",
        2,
        "--keep_best=2 needs a checkpoint at every evaluation",
    ),
    (
        "best by time",
        _GENERATING + " --keep_best=2 --save_checkpoints_secs=600",
        2,
        "which --save_checkpoints_secs does not make",
    ),
    (
        "metric",
        _GENERATING + " --eval_early_stopping_metric=blue",
        2,
        "Did you mean bleu",
    ),
    (
        "no dev text",
        _GENERATING,
        1,
        "dev.tgt does not exist",
        remove("raw/dev.tgt"),
    ),
    (
        "dev text ends",
        _GENERATING,
        1,
        "ends after line 1",
        write("raw/dev.tgt", b"a\n"),
    ),
    ("no dev data", _NEW, 1, "holds no dev data", remove("data/*-dev-*")),
    *(
        (name, _AGAIN + f" --{flag}", 2, says, write(_RECORD, _STANDING))
        for name, flag, says in (
            ("seed", "random_seed=7", "was trained with random_seed=1"),
            (
                "precision",
                "precision=bfloat16",
                "was trained with precision=float32",
            ),
            ("bits", "deterministic", "was trained with deterministic=False"),
            ("dev batches", "eval_steps=5", "was trained with eval_steps=100"),
        )
    ),
    *(
        (f"record {name}", _AGAIN, 1, says, damage)
        for name, says, damage in (
            ("cut", "is not JSON", write(_RECORD, _STANDING[:40])),
            ("folder", "Is a directory", folder(_RECORD)),
            ("later", "of version 9", write(_RECORD, b'{"version": 9}')),
            (
                "of words",
                "random_seed='one': it is damaged",
                both(
                    write(_RECORD, _STANDING),
                    fields(_RECORD, random_seed="one"),
                ),
            ),
        )
    ),
    (
        "changed text",
        f"{_AGAIN} --generate_data --tmp_dir={{w}}/raw",
        1,
        "raw/train.src has changed since",
        write("raw/train.src", b"a dog\n" * 40),
    ),
    (
        "evaluations of no metric",
        _AGAIN,
        1,
        "evaluations.json is damaged",
        write(
            "run/evaluations.json",
            b'{"metric": [], "evaluations": [{"step": 3, "nll": 1,'
            b' "perplexity": 1, "token_accuracy": 1, "bleu": 1}]}',
        ),
    ),
)

DATAGEN = cases(
    "t2t-datagen",
    (
        "changed text",
        "--problem=translate_from_files --data_dir={w}/data --tmp_dir={w}/raw",
        1,
        "raw/train.src has changed since",
        write("raw/train.src", b"a dog\n" * 40),
    ),
)

DECODER = cases(
    "t2t-decoder",
    ("no such word", _DECODE + "=bets", 2, "Did you mean best?"),
    ("both", _DECODE + "=best --checkpoint_path=x", 2, "do not go together"),
    ("no such step", _DECODE + "=5", 1, "there are the steps 3, 6"),
    ("no average", _DECODE + "=averaged", 1, "there is no average"),
    ("no best", _DECODE + "=best", 1, "none that was evaluated"),
)

CASES = [*TRAINER, *DATAGEN, *DECODER]
