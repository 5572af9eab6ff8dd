"""What users give that is text or data, and what they are told: a table.

Flags, raw text, trees, archives and data; runs are in bad_input_runs.py, users'
own code in bad_input_users.py.
"""

import gzip
import struct

from tests import (
    bad_input_choices,
    bad_input_compare,
    bad_input_marian,
    bad_input_runs,
    bad_input_text,
    bad_input_training,
    bad_input_users,
    bad_input_visualize,
)
from tests.bad_input_damage import (
    NOT_UTF8,
    SHARD,
    Case,
    both,
    cases,
    cut,
    flip,
    folder,
    records,
    remove,
    write,
)

# A record that says it has 10^12 bytes, with the right sum over that number:
# TensorFlow alone would try to make room for it.
_TERABYTE = struct.pack("<QI", 10**12, 0x0AFD604A) + b"four"
_LONG_LINE = gzip.compress(b"x" * (2**24 + 1))
_ONE_TREE = b"(TOP (NP (DT a) (NN dog)))\n"
_DATA_FILE = "data/translate_from_files.json"
_DATA_VOCABULARY = "data/vocab.translate_from_files.8192.bpe"

_GENERATE = (
    "--problem=translate_from_files --tmp_dir={w}/raw --data_dir={w}/new"
)
_PARSE = "--problem=parsing_ptb_sample --tmp_dir={w}/trees --data_dir={w}/new"
_ARCHIVE = "--problem=small --tmp_dir={w}/raw --data_dir={w}/new"
_ARCHIVE += " --t2t_usr_dir={w}/usr/bad_input_archives"
_BLEU = "--translation={w}/text/lines --reference={w}/text/"
_NEW_RUN = "--problem=translate_from_files --data_dir={w}/data"
_NEW_RUN += " --output_dir={w}/new --hparams_set=transformer_tiny"
_DEMO = "--work_dir={w}/new"

# Fetched whole before it is opened.
_FETCHED = ("new", "raw/*.tgz")


FLAGS = [
    Case("unknown flag", "t2t-datagen", "--problme=x", 2, "problme"),
    Case("gone flag", "t2t-trainer", "--schedule=x", 2, "schedule"),
    Case("no flag", "t2t-bleu", "out.de", 2, "unexpected argument 'out.de'"),
    Case("no arguments", "t2t-bleu", "", 2, "--reference=FILE or --test_set"),
    Case("word for number", "t2t-avg-all", "--n=five", 2, "--n"),
    Case("NaN for number", "t2t-avg-all", "--n=nan", 2, "--n"),
    Case("huge flag", "t2t-avg-all", f"--n={'9' * 5000}", 2, "--n"),
    Case("below a bound", "t2t-avg-all", "--min_steps=-1", 2, "--min_steps"),
    Case("zero of one", "t2t-demo", "--train_steps=0", 2, "--train_steps"),
    Case("no yes or no", "t2t-bleu", "--json=perhaps", 2, "--json"),
    Case("flagfile", "t2t-bleu", "--flagfile={w}/text/binary", 2, "utf-8"),
    Case("no flagfile", "t2t-bleu", "--flagfile={w}/no", 2, "flagfile"),
    Case(
        "usr_dir", "t2t-datagen", "--t2t_usr_dir={w}/no", 2, "is not a folder"
    ),
    Case(
        "usr_dir name",
        "t2t-datagen",
        "--t2t_usr_dir={w}/a-b",
        2,
        "rename it",
        folder("a-b"),
    ),
]

DATAGEN = cases(
    "t2t-datagen",
    ("no tmp_dir", "--problem=translate_from_files", 2, "--tmp_dir is requ"),
    (
        "unknown problem",
        "--problem=translate_from_flies --tmp_dir={w}/raw",
        2,
        "Did you mean translate_from_files",
    ),
    (
        "tmp_dir missing",
        _GENERATE.replace("raw", "no"),
        1,
        "no/train.src does not exist",
        None,
        ("new",),
    ),
    *(
        (name, _GENERATE, 1, says, damage, ("new",))
        for name, says, damage in (
            (
                "empty text",
                "no text",
                both(write("raw/train.src", b""), write("raw/train.tgt", b"")),
            ),
            (
                "text ends",
                "ends after line 3",
                write("raw/train.tgt", b"a\n" * 3),
            ),
            (
                "text goes on",
                "ends after line 40",
                write("raw/train.tgt", b"a\n" * 41),
            ),
            ("latin-1", NOT_UTF8, write("raw/train.tgt", b"a\n\xe4\n")),
            (
                "utf-16",
                NOT_UTF8,
                write("raw/train.tgt", "a\nb\n".encode("utf-16")),
            ),
            ("binary", NOT_UTF8, write("raw/train.src", bytes(range(256)))),
            ("text is a folder", "Is a directory", folder("raw/train.src")),
            (
                "broken gzip",
                "cannot read",
                both(
                    remove("raw/train.src"),
                    write("raw/train.src.gz", _LONG_LINE[:200]),
                ),
            ),
            (
                "no gzip",
                "cannot read",
                both(
                    remove("raw/train.src"), write("raw/train.src.gz", b"a\n")
                ),
            ),
            (
                "packed line without end",
                "line 1, has more than 16 MB",
                both(
                    remove("raw/train.src"),
                    write("raw/train.src.gz", _LONG_LINE),
                ),
            ),
        )
    ),
    (
        "dev text ends",
        _GENERATE,
        1,
        "ends after line 1",
        write("raw/dev.tgt", b"a\n"),
        ("new",),
    ),
    (
        "data_dir is a file",
        _GENERATE.replace("/new", "/text/lines"),
        1,
        "cannot make the folder",
    ),
    (
        "damaged vocabulary",
        _GENERATE.replace("/new", "/data"),
        1,
        "is not a SentencePiece model",
        both(remove(_DATA_FILE), cut(_DATA_VOCABULARY)),
    ),
    (
        "shard is a folder",
        _GENERATE.replace("/new", "/data"),
        1,
        "Is a directory",
        both(remove(_DATA_FILE), folder(SHARD)),
        # The shards before it are replaced by the same bytes.
    ),
    ("no processes", _GENERATE + " --num_concurrent_processes=0", 2, "--num_c"),
    ("processes", _GENERATE + " --num_concurrent_processes=9999", 2, "--num_c"),
    *(
        (name, _PARSE, 1, says, write("trees/train.trees", content), ("new",))
        for name, says, content in (
            ("no trees", "no text", b""),
            (
                "tree unclosed",
                "line 2, column 1: the tree that begins here lacks 1",
                _ONE_TREE + b"(TOP (NN a)\n",
            ),
            (
                "tree of two words",
                "line 2, column 12: 'c' is a second word",
                _ONE_TREE + b"(TOP (NN b c))\n",
            ),
            (
                "word outside",
                "line 1, column 1: 'dog' is outside every tree",
                b"dog\n",
            ),
            ("tree not UTF-8", NOT_UTF8, b"(TOP (NN \xff))\n"),
        )
    ),
    *(
        (
            f"archive {name}",
            _ARCHIVE.replace("small", problem),
            1,
            says,
            None,
            _FETCHED,
        )
        for name, problem, says in (
            ("with ../", "translate_climbing", "has no member a.en"),
            ("with /", "translate_absolute", "has no member a.en"),
            ("with a link", "translate_linked", "is a link or folder"),
            ("with a wrong hash", "translate_wrong_hash", "expected 00000"),
            ("that ends", "translate_cut_off", "cannot read"),
            ("that is text", "translate_no_archive", "cannot read"),
            ("with a huge member", "translate_huge_member", "cannot read"),
        )
    ),
)

BLEU = cases(
    "t2t-bleu",
    ("no reference", "--translation={w}/text/lines", 2, "give either"),
    ("two references", _BLEU + "lines --test_set=wmt14", 2, "give either"),
    ("missing", _BLEU + "no", 1, "No such file"),
    ("folder", _BLEU.removesuffix("/"), 1, "Is a directory"),
    ("empty", _BLEU + "empty", 1, "is empty"),
    ("unequal", _BLEU + "short", 1, "has 4 lines and the reference 3"),
    ("latin-1", _BLEU + "latin1", 1, "line 2, is not UTF-8: byte 0xe4"),
    ("utf-16", _BLEU + "utf16", 1, "line 1, is not UTF-8: byte 0xff"),
    ("binary", _BLEU + "binary", 1, NOT_UTF8),
    ("markup", _BLEU + "sgm", 1, "SGM or XML"),
    ("language", _BLEU + "lines --language=tlh", 2, "'tlh'"),
    (
        "test set",
        "--translation={w}/text/lines --test_set=wmt41 --language_pair=en-de",
        2,
        "no test set 'wmt41'",
    ),
)

PARSEVAL = cases(
    "t2t-parseval",
    ("no test", "--gold={w}/trees/gold", 2, "--test is required"),
    ("missing", "--gold={w}/no --test={w}/trees/gold", 1, "No such file"),
    ("folder", "--gold={w}/trees --test={w}/trees/gold", 1, "Is a directory"),
    (
        "broken gold",
        "--gold={w}/trees/broken --test={w}/trees/gold",
        1,
        "broken, line 2, column",
    ),
    (
        "unequal",
        "--gold={w}/trees/gold --test={w}/trees/short",
        1,
        "gold has 2 lines and",
    ),
    ("binary", "--gold={w}/text/binary --test={w}/trees/gold", 1, NOT_UTF8),
)

TRAINER = cases(
    "t2t-trainer",
    ("set", _NEW_RUN + "y", 2, "unknown hparams set"),
    ("model", _NEW_RUN + " --model=transfromer", 2, "unknown model"),
    (
        "a variant's set",
        _NEW_RUN.replace("_tiny", "_moe_tiny") + " --model=transformer",
        2,
        "is for the model transformer_moe",
    ),
    (
        "experts",
        _NEW_RUN.replace("_tiny", "_moe_tiny --hparams=moe_k=5"),
        2,
        "moe_k=5: expected at most moe_num_experts=4",
    ),
    (
        "no neighbourhood",
        _NEW_RUN.replace("_tiny", "_restricted_tiny")
        + " --hparams=attention_neighbourhood=0",
        2,
        "attention_neighbourhood=0",
    ),
    ("no data", _NEW_RUN.replace("/data", "/no"), 2, "does not exist"),
    (
        "output a file",
        _NEW_RUN.replace("/new", "/out"),
        1,
        "out",
    ),
    ("contradiction", _NEW_RUN.replace("/new", "/run") + "_", 2, "was trained"),
    ("warm start", _NEW_RUN + " --warm_start_from={w}/no", 2, "neither a run"),
    *(
        (f"hparams {text}", f"{_NEW_RUN} --hparams={text}", 2, says)
        for text, says in (
            ("batch_size", "not of the form name=value"),
            ("=5", "not of the form name=value"),
            ("batchsize=5", "Did you mean batch_size"),
            ("batch_size=many", "expected a whole number"),
            ("batch_size=0", "expected a value above 0"),
            ("label_smoothing=nan", "expected a finite number"),
            ("label_smoothing=1.5", "expected a rate"),
            ("hidden_size=9999999999999999999", "expected at most"),
            ("pos=left", "expected one of"),
            ("num_heads=7", "does not divide"),
        )
    ),
    *(
        (name, _NEW_RUN, 1, says, damage)
        for name, says, damage in (
            ("shard cut", "bytes", cut(SHARD, 0.9)),
            ("shard bit", "is damaged", flip(SHARD, 40)),
            ("shard text", "is damaged", write(SHARD, b"a dog\n" * 20)),
            (
                "shard of a terabyte",
                "1000000000000 bytes",
                write(SHARD, _TERABYTE),
            ),
            ("shard gone", "only part of the train data", remove(SHARD)),
            ("shard folder", "irectory", folder(SHARD)),
            ("no feature", "without inputs or targets", records([], [5, 1])),
            ("negative id", "the id -7 is not", records([-7, 1], [5, 1])),
            ("wide id", "the id 4294967301 is", records([2**32 + 5], [5, 1])),
            ("no vocabulary", "run t2t-datagen", remove("data/vocab.*")),
        )
    ),
)

DEMO = cases(
    "t2t-demo",
    ("problem", _DEMO + " --problem=toy", 2, "unknown problem"),
    ("set", _DEMO + " --hparams_set=tiny", 2, "unknown hparams set"),
    ("in use", _DEMO.replace("new", "run"), 2, "is not empty"),
    ("a file", _DEMO.replace("new", "out"), 2, "is a file"),
)

CASES = [
    *FLAGS,
    *DATAGEN,
    *BLEU,
    *PARSEVAL,
    *TRAINER,
    *DEMO,
    *bad_input_choices.CASES,
    *bad_input_compare.CASES,
    *bad_input_runs.CASES,
    *bad_input_marian.CASES,
    *bad_input_training.CASES,
    *bad_input_text.CASES,
    *bad_input_users.CASES,
    *bad_input_visualize.CASES,
]
