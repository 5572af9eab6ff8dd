"""Puts runs of any models on one problem side by side.

A table on standard output: size and operations, speed, hours, the best score of
the trainer's evaluations and when it was reached, then every difference of the
recipes. --html adds the curves, by step and by hours of training, on a page
that needs no network. Only run directories are read.

  t2t-compare --output_dirs=rnn,convs2s,transformer --html=page.html
"""

import os
import pathlib
import sys
from collections.abc import Sequence

from absl import flags

from t2t_repro import files, registry
from t2t_repro.bin import command, output_file
from t2t_repro.errors import UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-compare`; see `command.run` for arguments and statuses."""
    return command.run("t2t-compare", __doc__ or "", _define_flags, _body, argv)


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_multi_string(
        "output_dirs",
        [],
        "run directories, with commas between them",
        flag_values=values,
    )
    for name, text in (
        ("html", "a page to write besides"),
        ("json", "a JSON file to write besides, with every evaluation"),
        ("t2t_usr_dir", "folder of your own Python files"),
    ):
        flags.DEFINE_string(name, None, text, flag_values=values)
    flags.DEFINE_bool(
        "overwrite", False, "replace files of these names", flag_values=values
    )


def _body(values: flags.FlagValues) -> None:
    folders = _folders(values.output_dirs)
    targets: dict[str, pathlib.Path] = {}
    for flag in ("html", "json"):
        if values[flag].value is not None:
            targets[flag] = output_file.of_flag(values, flag)
    if len(set(targets.values())) < len(targets):
        raise UsageError(
            f"--html and --json are one file, {values.html}: give two names."
        )
    if values.t2t_usr_dir:
        registry.import_usr_dir(values.t2t_usr_dir)
    command.load_tensorflow()
    from t2t_repro.report import (
        side_by_side,
        side_by_side_page,
        side_by_side_text,
    )

    compared = side_by_side.gather(folders)
    for flag, form in (
        ("html", side_by_side_page.build),
        ("json", side_by_side.as_json),
    ):
        if flag in targets:
            files.replace_file(targets[flag], form(compared))
    sys.stdout.write(side_by_side_text.as_text(compared))


def _folders(given: Sequence[str]) -> list[str]:
    """Those of --output_dirs; a name may itself have a comma."""
    folders = [
        folder
        for names in given
        for folder in ([names] if os.path.isdir(names) else names.split(","))
    ]
    if "" in folders or len(folders) < 2:
        raise UsageError(
            f"--output_dirs={','.join(given)}: give two or more run"
            " directories, with commas between them."
        )
    return folders


if __name__ == "__main__":
    raise SystemExit(main())
