"""Which ids a translation may need, by those of its source: a file.

t2t-shortlist makes it of training data, and `shortlisted` searches among what
it names. tensor2tensor had no such thing; Marian calls it a lexical shortlist,
CTranslate2 a vocabulary map (Jean et al. 2015; L'Hostis et al. 2016).

It is an .npz of NumPy's, without pickle, that says of which vocabulary and
direction it is.
"""

import dataclasses
import os
import pathlib
import zipfile
from typing import Any

import numpy as np

from t2t_repro import files
from t2t_repro.errors import InputError
from t2t_repro.files import file_sha256
from t2t_repro.run_directory import Run

# Padding, the end of sentence, and something to say.
LEAST_SIZE = 3
# Of all arrays: many times what a file has, and far from what memory has.
_MOST_BYTES = 2**29


@dataclasses.dataclass(frozen=True)
class Shortlist:
    """What the file holds.

    Attributes:
      vocabulary_sha256: of the vocabulary's file, which both sides share.
      languages: source and target.
      size: how many ids a sentence is searched among.
      targets: `[vocabulary, count]` int32, likely translations of each id; of
        the padding's those that translate nothing.
      probabilities: `[vocabulary, count]` float32, theirs; 0: there are fewer.
      frequencies: `[vocabulary]` int64, how often each is in a target.
    """

    vocabulary_sha256: str
    languages: tuple[str, str]
    size: int
    targets: np.ndarray
    probabilities: np.ndarray
    frequencies: np.ndarray


def write(path: files.Path, shortlist: Shortlist) -> None:
    """Writes the file, whole or not at all."""
    with files.replacing(path) as partial, open(partial, "wb") as file:
        np.savez_compressed(file, **dataclasses.asdict(shortlist))


def of_run(path: files.Path, run: Run) -> Shortlist:
    """Reads a file that was made for a run.

    Raises:
      InputError: there is none, it is damaged, or it is of another vocabulary
        or direction.
    """
    location = files.absolute(path)
    shortlist = _read(location)
    ours = file_sha256(run.vocabulary), run.languages
    if (shortlist.vocabulary_sha256, shortlist.languages) != ours:
        raise InputError(
            f"{location} was made for {' to '.join(shortlist.languages)} with"
            f" the vocabulary of SHA-256 {shortlist.vocabulary_sha256}, the"
            f" run {run.folder} is {' to '.join(run.languages)} with {ours[0]}:"
            " make one of its own data with t2t-shortlist."
        )
    if len(shortlist.frequencies) != run.encoder().vocab_size:
        raise _damaged(location, f"{len(shortlist.frequencies)} ids")
    return shortlist


def _read(path: pathlib.Path) -> Shortlist:
    names = [field.name for field in dataclasses.fields(Shortlist)]
    try:
        with zipfile.ZipFile(path) as archive:
            held = sum(member.file_size for member in archive.infolist())
            if held > _MOST_BYTES:
                raise ValueError(f"{held} bytes of arrays")
        with np.load(path, allow_pickle=False) as arrays:
            values = {name: arrays[name] for name in names}
        return _checked(values)
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise InputError(f"cannot read {path}: {reason}.") from error
    # Any byte may be wrong, and zipfile, zlib and NumPy each have names of
    # their own for that.
    except Exception as error:
        raise _damaged(path, str(error)) from error


def _checked(values: dict[str, Any]) -> Shortlist:
    """Raises ValueError or TypeError where it cannot be searched with."""
    frequencies, targets = values["frequencies"], values["targets"]
    probabilities = values["probabilities"]
    (vocabulary,) = frequencies.shape
    rows, _ = targets.shape
    if rows != vocabulary or probabilities.shape != targets.shape:
        raise ValueError("arrays of different sizes")
    for name, kind in (
        ("targets", "int32"),
        ("probabilities", "float32"),
        ("frequencies", "int64"),
    ):
        if values[name].dtype != kind:
            raise ValueError(f"{name} as {values[name].dtype}")
    if not np.all((targets >= 0) & (targets < vocabulary)):
        raise ValueError("ids outside the vocabulary")
    if not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise ValueError("probabilities outside 0 to 1")
    source, target = (str(language) for language in values["languages"])
    size = int(values["size"])
    if not LEAST_SIZE <= size <= vocabulary or frequencies.min() < 0:
        raise ValueError(f"{size} of {vocabulary} ids")
    return Shortlist(
        vocabulary_sha256=str(values["vocabulary_sha256"]),
        languages=(source, target),
        size=size,
        targets=targets,
        probabilities=probabilities,
        frequencies=frequencies,
    )


def _damaged(path: pathlib.Path, what: str) -> InputError:
    what = " ".join(what.split())[:100]
    return InputError(
        f"{os.fspath(path)} is not a whole shortlist ({what}): make it again"
        " with t2t-shortlist."
    )
