"""What is wrong with what shall be looked at: a table."""

from tests.bad_input_damage import (
    NOT_UTF8,
    cases,
    checkpoint,
    folder,
    remove,
    write,
)

_PAGE = "--html={w}/new.html --output_dir={w}/run"
_VOCABULARY = "run/vocab.translate_from_files.8192.bpe"
_ONE = _PAGE + " --input=a"
_FILE = _PAGE + " --decode_from_file={w}/text/"

CASES = cases(
    "t2t-visualize",
    ("no sentence", _PAGE, 2, "give --input with a sentence"),
    ("two inputs", _ONE + " --decode_from_file={w}/text/lines", 2, "one of"),
    ("input empty", _PAGE + " --input=", 2, "--input= is empty"),
    ("file empty", _FILE + "empty", 1, "has 0 lines with text"),
    ("file of spaces", _FILE + "empty", 1, "0 li", write("text/empty", b" ")),
    ("file too long", _FILE + "many", 1, "51", write("text/many", b"a\n" * 51)),
    ("file binary", _FILE + "binary", 1, NOT_UTF8),
    ("file Latin-1", _FILE + "latin1", 1, NOT_UTF8),
    ("file absent", _FILE + "no", 1, "text/no"),
    ("file a folder", _PAGE + " --decode_from_file={w}/text", 1, "directory"),
    ("no page", _ONE + " --html=", 2, "--html= is empty"),
    ("page there", _ONE + " --html={w}/out", 2, "give --overwrite"),
    ("page a folder", _ONE + " --html={w}/text --overwrite", 2, "exists"),
    ("page nowhere", _ONE + " --html={w}/no/page", 2, "does not exist"),
    ("page in a file", _ONE + " --html={w}/out/page", 2, "does not exist"),
    ("no run", _ONE + " --output_dir={w}/text", 1, "not a run directory"),
    ("other model", _ONE + " --model=lstm", 2, "was trained with"),
    ("no beam", _ONE + " --decode_hparams=beam_size=0", 2, "beam_size"),
    ("no checkpoint", _ONE, 1, "checkpoint", remove("run/model.ckpt*")),
    ("checkpoint absent", _ONE + " --checkpoint_path={w}/no", 1, "/no"),
    (
        "checkpoint of nothing",
        _ONE,
        1,
        "model.ckpt-9",
        checkpoint("run/9", global_step=9),
    ),
    ("vocabulary a folder", _ONE, 1, "irectory", folder(_VOCABULARY)),
)
