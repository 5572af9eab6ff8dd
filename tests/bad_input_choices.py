"""What is wrong where the hparams set is chosen, and what users are told."""

from tests.bad_input_damage import Case, cases, cut, fields, folder, remove

_DATA_FILE = "data/translate_from_files.json"
_NO_SET = "--problem=translate_from_files --data_dir={w}/data"
_NO_SET += " --output_dir={w}/new"
_UNKNOWN_SIZE = "does not say how many training pairs"

CASES: list[Case] = cases(
    "t2t-trainer",
    (
        "set left empty",
        _NO_SET + " --hparams_set=",
        2,
        "--hparams_set= is empty",
    ),
    (
        "no set, and the problem chooses none",
        _NO_SET.replace("from_files", "ende_toy"),
        2,
        "--hparams_set is required",
    ),
    (
        "chosen set's field",
        _NO_SET + " --hparams=hiden_size=8",
        2,
        "hidden_siz",
    ),
    ("chosen set's heads", _NO_SET + " --hparams=num_heads=3", 2, "not divide"),
    ("chosen set's schedule", _NO_SET + " --hparams=pos=sine", 2, "pos='sine'"),
    ("chosen set's model", _NO_SET + " --model=lstm", 2, "unknown model"),
    (
        "no set, no text",
        _NO_SET + " --generate_data",
        2,
        "--tmp_dir is required",
    ),
    (
        "no set for the run of another",
        _NO_SET.replace("/new", "/run") + " --hparams_set=transformer_demo",
        2,
        "was trained with hparams_set=transformer_tiny",
    ),
    *(
        (name, _NO_SET, 1, says, damage)
        for name, says, damage in (
            ("size gone", _UNKNOWN_SIZE, remove(_DATA_FILE)),
            ("size lacking", _UNKNOWN_SIZE, fields(_DATA_FILE, splits=...)),
            ("size a list", _UNKNOWN_SIZE, fields(_DATA_FILE, splits=[1])),
            (
                "size a word",
                _UNKNOWN_SIZE,
                fields(_DATA_FILE, splits={"train": {"pairs_written": "many"}}),
            ),
            ("size cut", "is not JSON", cut(_DATA_FILE)),
            ("size a folder", "Is a directory", folder(_DATA_FILE)),
        )
    ),
)
