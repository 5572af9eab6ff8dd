"""What is wrong with text and with how it is given: a table.

Text of other systems, standard input, several references, and sentences on the
command line.
"""

from tests.bad_input_damage import both, cases, flip, write

_GENERATE = (
    "--problem=translate_from_files --tmp_dir={w}/raw --data_dir={w}/new"
)
_BLEU = "--translation={w}/text/lines --reference="
_TESTED = _BLEU + "{w}/text/lines --baseline={w}/text/"
_DECODE = "--output_dir={w}/run --decode_from_file="
_NOTEPAD = "ein Hund\r\nkeine Katze\r\n".encode("utf-16")
_TENSORS = "run/model.ckpt-6.data-00000-of-00001"

DATAGEN = cases(
    "t2t-datagen",
    (
        "text of Notepad",
        _GENERATE,
        1,
        "train.tgt, line 1, is not UTF-8: byte 0xff at column 1. It is UTF-16",
        write("raw/train.tgt", _NOTEPAD),
        ("new",),
    ),
    (
        "marks and no text",
        _GENERATE,
        1,
        "no text",
        both(
            write("raw/train.src", b"\xef\xbb\xbf"),
            write("raw/train.tgt", b"\xef\xbb\xbf"),
        ),
        ("new",),
    ),
    (
        "CR alone ends no line",
        _GENERATE,
        1,
        "ends after line 1 but",
        write("raw/train.tgt", b"ein Hund\r" * 40),
        ("new",),
    ),
    ("empty tmp_dir", _GENERATE + " --tmp_dir=", 2, "--tmp_dir= is empty"),
)

BLEU = cases(
    "t2t-bleu",
    ("pair of a reference", _BLEU + "x --language_pair=en-de", 2, "leave it o"),
    (
        "second reference missing",
        _BLEU + "{w}/text/lines,{w}/text/no",
        1,
        "cannot read",
    ),
    (
        "second reference short",
        _BLEU + "{w}/text/lines --reference={w}/text/short",
        1,
        "reference 3 (",
    ),
    ("reference without a name", _BLEU + "{w}/text/lines,", 2, "is empty"),
    ("figure of one", _BLEU + "a,b --t2t", 2, "--t2t adds a figure of one"),
    ("input twice", "--reference=-", 2, "so cannot the reference"),
    ("baseline absent", _TESTED + "no", 1, "text/no"),
    ("baseline of others", _TESTED + "short", 1, "and the baseline 3 ("),
    ("baseline typed", _BLEU + "- --baseline=-", 2, "or the baseline"),
    ("text of Notepad", _BLEU + "{w}/text/utf16", 1, "It is UTF-16"),
)

DECODER = cases(
    "t2t-decoder",
    ("empty input name", _DECODE, 2, "--decode_from_file= is empty"),
    (
        "stream to a file",
        _DECODE + "{w}/text/lines --stream --decode_to_file={w}/new",
        2,
        "give --decode_to_file=-",
    ),
    (
        "two words for one folder",
        "--model_dir={w}/run --output_dir={w}/run --decode_from_file=-",
        2,
        "another word for --output_dir",
    ),
    (
        "one run and several",
        _DECODE + "- --output_dirs={w}/run,{w}/other",
        2,
        "--output_dir and --output_dirs do not go together",
    ),
    (
        "the same run twice",
        "--output_dirs={w}/run,{w}/run --decode_from_file=-",
        2,
        "each once",
    ),
    (
        "8 bits in TensorFlow",
        _DECODE + "{w}/text/lines --quantize=int8",
        2,
        "--engine=litert",
    ),
    (
        "16 bits in LiteRT",
        _DECODE + "{w}/text/lines --engine=litert --quantize=bfloat16",
        2,
        "engine=litert knows no quantize=bfloat16",
    ),
    (
        "draws of another engine",
        _DECODE + "{w}/text/lines --engine=ctranslate2"
        " --decode_hparams=sampling_method=random,beam_size=1",
        2,
        "knows no sampling_method=random",
    ),
    (
        "search of another engine",
        _DECODE + "{w}/text/lines --engine=ctranslate2"
        " --decode_hparams=search=huggingface",
        2,
        "knows no search=huggingface",
    ),
)

TRANSLATE = cases(
    "t2t-translate",
    ("no run", "Hund", 2, "--output_dir is required"),
    ("not a run", "--output_dir={w}/text Hund", 1, "not a run directory"),
    ("a dash", "--output_dir={w}/run -Hund", 2, "goes behind --"),
    (
        "decode_hparams",
        "--output_dir={w}/run --decode_hparams=beam=4 Hund",
        2,
        "unknown name 'beam'",
    ),
    (
        "damaged",
        "--model_dir={w}/run Hund",
        1,
        "is damaged",
        flip(_TENSORS, 99),
    ),
)

CASES = [*DATAGEN, *BLEU, *DECODER, *TRANSLATE]
