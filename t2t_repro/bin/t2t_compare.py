"""Puts runs of any models on one problem side by side.

A table on standard output: size and operations, speed, hours, the best score of
the trainer's evaluations and when it was reached, then every difference of the
recipes. --html adds the curves, by step and by hours of training, on a page
that needs no network. Only run directories are read; with the scores of a test
set, --scores, each run is put beside what is published of its recipe.

  t2t-compare --output_dirs=rnn,convs2s,transformer --html=page.html
  t2t-compare --output_dirs=A,B --scores=a.json,b.json
"""

import pathlib
import sys
from collections.abc import Sequence

from absl import flags

from t2t_repro import files, registry
from t2t_repro.bin import command, paths
from t2t_repro.errors import UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-compare`; see `command.run` for arguments and statuses."""
    return command.run("t2t-compare", __doc__ or "", _define_flags, _body, argv)


def _define_flags(values: flags.FlagValues) -> None:
    for name, text in (
        ("output_dirs", "run directories, with commas between them"),
        (
            "scores",
            "JSON of t2t-bleu or t2t-parseval on the test set, one for each run"
            " in their order, with commas between them",
        ),
    ):
        flags.DEFINE_multi_string(name, [], text, flag_values=values)
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
    folders = paths.several(values.output_dirs)
    if "" in folders or len(folders) < 2:
        raise UsageError(
            f"--output_dirs={','.join(values.output_dirs)}: give two or more"
            " run directories, with commas between them."
        )
    scores = paths.several(values.scores)
    if scores and len(scores) != len(folders):
        raise UsageError(
            f"--scores has {len(scores)} files for {len(folders)} runs: give"
            " one for each, in the order of --output_dirs."
        )
    targets: dict[str, pathlib.Path] = {}
    for flag in ("html", "json"):
        if values[flag].value is not None:
            targets[flag] = paths.to_write(values, flag)
    if len(set(targets.values())) < len(targets):
        raise UsageError(
            f"--html and --json are one file, {values.html}: give two names."
        )
    if values.t2t_usr_dir:
        registry.import_usr_dir(values.t2t_usr_dir)
    command.load_tensorflow()
    from t2t_repro.report import (
        run_facts,
        side_by_side,
        side_by_side_page,
        side_by_side_text,
    )

    compared = side_by_side.gather(
        folders, [run_facts.read_scores(path) for path in scores]
    )
    for flag, form in (
        ("html", side_by_side_page.build),
        ("json", side_by_side.as_json),
    ):
        if flag in targets:
            files.replace_file(targets[flag], form(compared))
    sys.stdout.write(side_by_side_text.as_text(compared))


if __name__ == "__main__":
    raise SystemExit(main())
