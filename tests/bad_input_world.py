"""The files that the cases of test_bad_input.py are about.

Text, trees, data, a run, a run of tensor2tensor, a MarianMT model, and a user's
folder with archives that are not what they should be; all of it small.
"""

import io
import json
import os
import pathlib
import shutil
import tarfile

from t2t_repro import checkpoints, registry, run_directory
from t2t_repro.bin import t2t_datagen

_MARIAN = pathlib.Path(__file__).parent / "testdata/marian/multilingual"
_T2T_HPARAMS = "testdata/t2t/model_prenorm_v3/config.json"
_LETTERS = [*"\\_u;0123456789", *"<>padEOS"]

# A user's folder: problems over archives that are not what they should be.
_USER_CODE = """
import hashlib
import io
import pathlib
import tarfile

from t2t_repro.data.archive_problem import ArchiveProblem
from t2t_repro.data.archive_problem import Corpus
from t2t_repro.data.download import RemoteFile
from t2t_repro.registry import register_problem

_FOLDER = pathlib.Path(__file__).parent / "archives"


def _problem(name, sha256=None):
    path = _FOLDER / f"{name}.tgz"
    file = RemoteFile(path.as_uri(), path.name, sha256)
    corpus = Corpus(name, 2014, file, "a.en", "a.de")

    class Small(ArchiveProblem):
        source_language, target_language = "en", "de"
        approx_vocab_size = 300
        corpora = {"train": (corpus,), "dev": (corpus,)}

    register_problem(Small, f"translate_{name}")


for name in ("climbing", "absolute", "linked", "cut_off", "no_archive"):
    _problem(name)
_problem("huge_member")
_problem("wrong_hash", "0" * 64)
"""


def make(world: pathlib.Path) -> None:
    """Fills an empty folder."""
    _write_text(world)
    _write_archives(world / "usr" / "bad_input_archives")
    flags = ["--problem=translate_from_files", f"--data_dir={world}/data"]
    assert t2t_datagen.main([*flags, f"--tmp_dir={world}/raw"]) == 0
    _write_run(world)
    _write_t2t_run(world / "t2t")
    shutil.copytree(_MARIAN, world / "marian")
    (world / "translations").mkdir()


def _write_text(world: pathlib.Path) -> None:
    content = {
        "text/lines": b"a\nb\nc\nd\n",
        "text/short": b"a\nb\nc\n",
        "text/empty": b"",
        "text/latin1": b"a\n\xe4\n",
        "text/utf16": "a\nb\n".encode("utf-16"),
        "text/binary": bytes(range(256)),
        "text/sgm": b"<refset setid='x'>\n<seg>a</seg>\nb\nc\n",
        "out": b"not to be touched\n",
        "trees/gold": b"(TOP (NN a))\n(TOP (NN b))\n",
        "trees/broken": b"(TOP (NN a))\n(TOP (NN b)\n",
        "trees/short": b"(TOP (NN a))\n",
        "trees/train.trees": b"(TOP (NN a))\n",
        "trees/dev.trees": b"(TOP (NN a))\n",
        "raw/dev.src": b"a dog\nno cat\n",
        "raw/dev.tgt": b"ein Hund\nkeine Katze\n",
    }
    lines = [f"{number} dogs and {number + 1} cats" for number in range(40)]
    content["raw/train.src"] = "".join(f"{x}\n" for x in lines).encode()
    content["raw/train.tgt"] = content["raw/train.src"].upper()
    for name, data in content.items():
        path = world / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


def _write_archives(folder: pathlib.Path) -> None:
    archives = folder / "archives"
    archives.mkdir(parents=True)
    (folder / "__init__.py").write_text(_USER_CODE)
    text = b"a dog\n" * 400

    def pack(name: str, *members: tuple[str, bytes]) -> pathlib.Path:
        path = archives / f"{name}.tgz"
        with tarfile.open(path, "w:gz") as archive:
            for member, kind in members:
                info = tarfile.TarInfo(member)
                info.type, info.linkname = kind, "/etc/passwd"
                info.size = len(text) if kind == tarfile.REGTYPE else 0
                archive.addfile(info, io.BytesIO(text))
        return path

    plain = tarfile.REGTYPE
    pack("climbing", ("../a.en", plain), ("../../a.de", plain))
    pack("absolute", ("/a.en", plain), ("/tmp/a.de", plain))
    pack("linked", ("a.en", tarfile.SYMTYPE), ("a.de", tarfile.LNKTYPE))
    pack("wrong_hash", ("a.en", plain), ("a.de", plain))
    whole = pack("cut_off", ("a.en", plain), ("a.de", plain)).read_bytes()
    (archives / "cut_off.tgz").write_bytes(whole[: len(whole) // 2])
    (archives / "no_archive.tgz").write_bytes(text)
    # A header alone, of a member that says it has a terabyte.
    info = tarfile.TarInfo("a.en")
    info.size = 10**12
    (archives / "huge_member.tgz").write_bytes(
        info.tobuf(tarfile.GNU_FORMAT) + text
    )


def _write_run(world: pathlib.Path) -> None:
    """A run with checkpoints of steps 3 and 6, without any training."""
    vocabulary = next((world / "data").glob("vocab.*"))
    hparams = registry.hparams("transformer_tiny").override(
        "hidden_size=8,filter_size=8,num_heads=2,num_hidden_layers=1"
    )
    run = run_directory.create(
        run_directory.Run(
            folder=world / "run",
            model="transformer",
            hparams_set="transformer_tiny",
            hparams=hparams,
            problem="translate_from_files",
            languages=("src", "tgt"),
            vocabulary=vocabulary,
        )
    )
    weights = run.new_model().weights_by_path()
    values = {path: weight.value for path, weight in weights.items()}
    for step in (3, 6):
        prefix = checkpoints.save(run.folder, step, values)
        for suffix in checkpoints._SUFFIXES:
            os.utime(prefix + suffix, (step, step))


def _write_t2t_run(folder: pathlib.Path) -> None:
    """A run of tensor2tensor, but for its weights."""
    config = pathlib.Path(__file__).parent / _T2T_HPARAMS
    values = json.loads(config.read_text())["hparams"] | {"batch_size": 64}
    folder.mkdir()
    (folder / "hparams.json").write_text(json.dumps(values))
    subtokens = ["<pad>_", "<EOS>_", *_LETTERS]
    (folder / "vocab.translate_ende_wmt32k.32768.subwords").write_text(
        "".join(f"'{subtoken}'\n" for subtoken in subtokens)
    )
    checkpoints.save(folder, 5, {"global_step": 5})
