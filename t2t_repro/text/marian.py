"""The vocabulary of a Marian / OPUS-MT model, in one file.

Such a model has a SentencePiece model for each language, `source.spm` and
`target.spm`, which cut a line into pieces, and a list of pieces with their
ids, `vocab.json`, for both languages, or one more for the target
(`target_vocab.json`). The file is an archive of them, byte for byte, not
packed. Text becomes the pieces of transformers' MarianTokenizer: a language
code in front, such as `>>fra<<`, is one piece, and what the list lacks is the
unknown one.

Ids are the house's: padding 0, end of sentence 1, then the others in the
list's order, so that an OPUS-MT id (end 0, padding last) is one more here. Of
two lists the target's come first.

Left out: special tokens written out in the text (`</s>`), which here are text.
"""

import copy
import io
import json
import pathlib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from t2t_repro import files
from t2t_repro.errors import InputError
from t2t_repro.text.encoder import until_end

SUFFIX = ".marian"
SOURCE, TARGET = "source.spm", "target.spm"
VOCABULARY, TARGET_VOCABULARY = "vocab.json", "target_vocab.json"

PAD, EOS, UNKNOWN = "<pad>", "</s>", "<unk>"
_SPACE = "\u2581"
# Real ones have less than 2 MB each.
_LARGEST_FILE = 2**26
# An archive of the same files is the same bytes, whenever it is made.
_DATE = (1980, 1, 1, 0, 0, 0)

# A row that one of two lists has not.
ABSENT = -1


class MarianEncoder:
    """Source lines to ids; an `encoder.TextEncoder`.

    Attributes:
      targets: the same vocabulary, for target lines.
      source_rows: for each id its number in the source's list, or `ABSENT`.
      target_rows: for each id its number in the target's list, or `ABSENT`.
      names: for each id its piece.
      is_shared: whether there is one list for both languages.
    """

    def __init__(
        self, path: str | pathlib.Path, origin: pathlib.Path | None = None
    ):
        """Reads the file of a vocabulary.

        Args:
          path: such as `pack` writes.
          origin: where its members are from, for messages; the file itself.

        Raises:
          InputError: it is no whole vocabulary.
        """
        self.path = pathlib.Path(path)
        members = _members(self.path)
        path = origin or path
        source = _pieces(members[VOCABULARY], f"{path}: {VOCABULARY}")
        self.is_shared = TARGET_VOCABULARY not in members
        target = source
        if not self.is_shared:
            target = _pieces(
                members[TARGET_VOCABULARY], f"{path}: {TARGET_VOCABULARY}"
            )
        own = [n for n, piece in enumerate(target) if piece not in (PAD, EOS)]
        self.target_rows = [target.index(PAD), target.index(EOS), *own]
        self.source_rows = list(self.target_rows)
        self.names = [target[row] for row in self.target_rows]
        self._set_ids(2, UNKNOWN)
        self._target_ids = self._ids
        if not self.is_shared:
            own = [n for n, p in enumerate(source) if p not in (PAD, EOS)]
            first = len(self.names)
            self.source_rows = [source.index(PAD), source.index(EOS)]
            self.source_rows += [ABSENT] * (first - 2) + own
            self.target_rows += [ABSENT] * len(own)
            self.names += [source[row] for row in own]
            self._set_ids(first, UNKNOWN)
        self._cutter = _processor(members[SOURCE], f"{path}: {SOURCE}")
        target_cutter = _processor(members[TARGET], f"{path}: {TARGET}")
        self._joiner = self._cutter if self.is_shared else target_cutter
        self.targets = copy.copy(self)
        self.targets._cutter = target_cutter
        self.targets._ids = self._target_ids
        self.targets._unknown = self._target_ids[UNKNOWN]

    def _set_ids(self, first: int, unknown: str) -> None:
        """Ids by piece, from an id on; none stands for padding or the end."""
        numbered = enumerate(self.names[first:], start=first)
        self._ids = {piece: number for number, piece in numbered}
        self._unknown = self._ids[unknown]

    @property
    def vocab_size(self) -> int:
        """Number of ids, padding and end of sentence included."""
        return len(self.names)

    def encode(self, text: str) -> list[int]:
        """Ids of a line, without the end of sentence."""
        code, rest = _language_code(text)
        pieces = [*code, *self._cutter.encode(rest, out_type=str)]
        return [self._ids.get(piece, self._unknown) for piece in pieces]

    def encode_lines(self, lines: Sequence[str]) -> list[list[int]]:
        """`encode` of many lines."""
        return [self.encode(line) for line in lines]

    def decode(self, ids: Iterable[int]) -> str:
        """The line; unknown pieces and what is behind the end are left out."""
        pieces = [self.names[number] for number in until_end(ids)]
        kept = [piece for piece in pieces if piece != UNKNOWN]
        return self._joiner.decode_pieces(kept).replace(_SPACE, " ").strip()

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """The piece of each id, a word's first with U+2581 in front."""
        return [self.names[int(number)] for number in ids]


def pack(members: Mapping[str, bytes], path: pathlib.Path) -> None:
    """Writes the file of a vocabulary, whole or not at all.

    Args:
      members: by name, as they lie in a model's folder.
      path: where to; the same members make the same bytes.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for name in sorted(members):
            packed.writestr(zipfile.ZipInfo(name, _DATE), members[name])
    files.replace_file(path, archive.getvalue())


def unpack(path: pathlib.Path) -> dict[str, bytes]:
    """The files that `pack` was given, by name; InputError for others."""
    return _members(path)


def vocabulary_json(pieces: Sequence[str]) -> bytes:
    """A `vocab.json` whose ids are the pieces' places."""
    numbered = {piece: number for number, piece in enumerate(pieces)}
    return json.dumps(numbered, ensure_ascii=False, indent=2).encode()


def _members(path: pathlib.Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            wanted = {SOURCE, TARGET, VOCABULARY}
            if names - {TARGET_VOCABULARY} != wanted or len(entries) > 4:
                raise _damaged(path, f"it holds {', '.join(sorted(names))}")
            for entry in entries:
                # What is not packed cannot be larger than the file.
                if entry.compress_type != zipfile.ZIP_STORED:
                    raise _damaged(path, f"{entry.filename} is packed")
            return {entry.filename: archive.read(entry) for entry in entries}
    except FileNotFoundError:
        raise InputError(f"vocabulary {path} does not exist.") from None
    except OSError as error:
        raise InputError(
            f"cannot read vocabulary {path}: {error.strerror or error}."
        ) from error
    # Of a crafted archive: encrypted members, offsets outside the file.
    except (zipfile.BadZipFile, RuntimeError, ValueError, EOFError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: pathlib.Path, what: str) -> InputError:
    return InputError(
        f"vocabulary {path} is not an archive of a Marian vocabulary"
        f" ({what[:100]}): restore it from a copy or import the model again"
        " with t2t-import-checkpoint."
    )


def _pieces(data: bytes, origin: str) -> list[str]:
    """The pieces of a `vocab.json` in the order of their ids."""
    ids = files.json_object(data, origin)
    found = sorted((n, p) for p, n in ids.items() if type(n) is int)
    pieces = [piece for _, piece in found]
    if [number for number, _ in found] != list(range(len(ids))):
        raise InputError(
            f"{origin} does not number its {len(ids)} pieces from 0 to"
            f" {len(ids) - 1}, each once: it is damaged, or of another"
            " tokenizer than Marian's."
        )
    for piece in (PAD, EOS, UNKNOWN):
        if piece not in ids:
            raise InputError(
                f"{origin} has no {piece}: it is damaged, or of another"
                " tokenizer than Marian's."
            )
    return pieces


def _processor(data: bytes, origin: str) -> Any:
    import sentencepiece  # a command's --help needs no library

    if len(data) > _LARGEST_FILE:
        raise InputError(
            f"{origin} has {files.size_text(len(data))}: expected a model"
            " of SentencePiece, which has a few."
        )
    try:
        if not data:
            raise ValueError("it is empty")
        return sentencepiece.SentencePieceProcessor(model_proto=data)
    # A ValueError: it quotes bytes of a damaged file that are not UTF-8.
    except (RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{origin} is not a SentencePiece model ({reason}): download it"
            " again."
        ) from error


def _language_code(text: str) -> tuple[list[str], str]:
    """`>>fra<< Hello` -> `[">>fra<<"]` and the rest; most lines have none."""
    end = text.find("<<")
    if not text.startswith(">>") or end < 0:
        return [], text
    return [text[: end + 2]], text[end + 2 :]
