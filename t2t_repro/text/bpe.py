"""Byte-pair encoding (section 5.1) by the SentencePiece library, losslessly.

With byte fallback, no normalisation and no extra space in front,
decode(encode(line)) is the line, byte for byte, but for U+2581: SentencePiece
itself writes a space so, and it comes back as a space.
"""

import io
import itertools
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sentencepiece

from t2t_repro import tensorflow_start
from t2t_repro.errors import InputError
from t2t_repro.files import replace_file
from t2t_repro.text.encoder import EOS_ID, PAD_ID, until_end

_UNKNOWN_ID = 2
# 256 byte pieces, padding, end and unknown: below this nothing can be learnt.
_SMALLEST_VOCABULARY = 300
# Learning looks at a uniform sample of at most so many lines: merges do not
# change beyond it, memory would.
_LEARNING_LINES = 4_000_000


class BpeEncoder:
    """A learnt SentencePiece model; an `encoder.TextEncoder`."""

    def __init__(self, path: str | pathlib.Path):
        """Raises InputError for a file that is no model with our ids."""
        self.path = pathlib.Path(path)
        try:
            model = self.path.read_bytes()
            self._processor = sentencepiece.SentencePieceProcessor(
                model_proto=model
            )
        except FileNotFoundError:
            raise InputError(f"vocabulary {path} does not exist.") from None
        except OSError as error:
            raise InputError(
                f"cannot read vocabulary {path}: {error.strerror}."
            ) from error
        # A ValueError: it quotes bytes of a damaged file that are not UTF-8.
        except (RuntimeError, TypeError, ValueError) as error:
            raise InputError(
                f"vocabulary {path} is not a SentencePiece model ({error}):"
                " restore the file from a copy or learn it again with"
                " t2t-datagen."
            ) from error
        ids = (self._processor.pad_id(), self._processor.eos_id())
        if ids != (PAD_ID, EOS_ID):
            raise InputError(
                f"vocabulary {path} has padding and end of sentence at {ids},"
                f" expected {(PAD_ID, EOS_ID)}: learn it with t2t-datagen."
            )

    @property
    def vocab_size(self) -> int:
        """Number of ids."""
        return self._processor.get_piece_size()

    def encode(self, text: str) -> list[int]:
        """Ids of a line, without the end of sentence."""
        return self._processor.encode(text)

    def encode_lines(self, lines: Sequence[str]) -> list[list[int]]:
        """`encode` of many lines, in this thread."""
        return self._processor.encode(list(lines), num_threads=1)

    def decode(self, ids: Iterable[int]) -> str:
        """The line; ids from the first end of sentence on are ignored."""
        return self._processor.decode(until_end(ids))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """The text of each id, a word's first piece with U+2581 in front."""
        return [self._processor.id_to_piece(int(number)) for number in ids]


def learn(
    lines: Iterable[str], vocab_size: int, path: str | pathlib.Path
) -> None:
    """Learns a shared vocabulary from text of both languages, in any order.

    Args:
      lines: the result depends on them alone.
      vocab_size: pieces wanted, the 256 bytes and the 3 special ids included;
        a small text may not hold so many.
      path: model file to write, whole or not at all.
    """
    if vocab_size < _SMALLEST_VOCABULARY:
        raise InputError(
            f"a vocabulary of {vocab_size} is too small: 256 bytes and 3"
            f" special ids need room, ask for {_SMALLEST_VOCABULARY} or more."
        )
    iterator = iter(lines)
    first = next((line for line in iterator if line.strip()), None)
    if first is None:
        raise InputError("there is no text to learn a vocabulary from.")
    model = io.BytesIO()
    try:
        _train(itertools.chain([first], iterator), vocab_size, model)
    except RuntimeError as error:
        raise InputError(
            f"SentencePiece cannot learn a vocabulary of {vocab_size} from this"
            f" text: {error}"
        ) from error
    replace_file(path, model.getvalue())


def _train(lines: Iterator[str], vocab_size: int, model: io.BytesIO) -> None:
    sentencepiece.set_random_generator_seed(1)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=lines,
        model_writer=model,
        model_type="bpe",
        vocab_size=vocab_size,
        hard_vocab_limit=False,
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=False,
        pad_id=PAD_ID,
        eos_id=EOS_ID,
        unk_id=_UNKNOWN_ID,
        bos_id=-1,
        input_sentence_size=_LEARNING_LINES,
        shuffle_input_sentence=True,
        num_threads=1,
        minloglevel=2,
    )


def graph_tokenizer(path: str | pathlib.Path) -> Any:
    """The same model, with the same ids, as a tensorflow-text tokenizer.

    `tokenize` of `[batch]` strings gives `[batch, (length)]` int32 ids ending
    in the end of sentence.
    """
    import tensorflow_text  # slow to import; encoding in Python needs it not

    # It would say that there is no normalisation, which is meant.
    with tensorflow_start.quiet_standard_error():
        return tensorflow_text.SentencepieceTokenizer(
            model=pathlib.Path(path).read_bytes(), add_eos=True
        )
