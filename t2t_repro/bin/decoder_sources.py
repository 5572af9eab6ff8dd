"""What t2t-decoder reads, and which of its flags go with which source."""

import itertools

from absl import flags

from t2t_repro.bin import command, paths
from t2t_repro.errors import UsageError
from t2t_repro.text import lines

# What each source of lines goes together with.
_SHARDS = ("decode_shards", "worker_id")
_COMPANIONS = {
    "decode_interactive": ("shortlist",),
    "score_file": ("decode_to_file", "score_per_token"),
    "decode_from_file": (
        *("decode_to_file", "decode_reference", "shortlist", "stream"),
        *_SHARDS,
    ),
    "data_dir": ("decode_to_file", "eval_use_test_set", "shortlist", *_SHARDS),
}


def check(values: flags.FlagValues) -> None:
    """Raises UsageError for flags that contradict each other."""
    sources = [name for name in _COMPANIONS if name != "data_dir"]
    mode = next((name for name in sources if values[name].value), "data_dir")
    command.require(values, mode)
    choices = sorted({*sources, *itertools.chain(*_COMPANIONS.values())})
    others = [
        name
        for name in choices
        if values[name].value != values[name].default
        and name not in (mode, *_COMPANIONS[mode])
    ]
    if values.decode_reference and values.decode_shards > 1:
        others, mode = ["decode_shards"], "decode_reference"
    if others:
        raise UsageError(
            f"--{others[0]} and --{mode} do not go together: leave one out."
        )
    if values.worker_id >= values.decode_shards:
        raise UsageError(
            f"--worker_id={values.worker_id}: expected 0 to"
            f" {values.decode_shards - 1}, below --decode_shards."
        )
    path = values.decode_from_file
    counts = values.decode_reference or values.decode_shards > 1
    if path and counts and not paths.can_be_read_twice(path):
        raise UsageError(
            f"--decode_from_file={path} is a pipe: --decode_reference and"
            " --decode_shards need a file, whose lines can be counted."
        )
    if values.decode_to_file == lines.STANDARD and (
        mode == "data_dir" or values.decode_reference
    ):
        raise UsageError(
            "--decode_to_file=- takes translations alone: give a file's name"
            " for a score or a dataset."
        )
