"""The whole path on the built-in corpus: generate, train, decode, score.

Every step is an ordinary command, printed as it would be typed. The end is the
test set, which training has not seen: five translations, how many of all are
the reference's to the letter, and BLEU.
"""

import shlex
import sys
import time
from collections.abc import Callable, Sequence

from absl import flags

from t2t_repro import files, registry
from t2t_repro.bin import (
    command,
    t2t_bleu,
    t2t_datagen,
    t2t_decoder,
    t2t_trainer,
)
from t2t_repro.errors import InputError, UsageError
from t2t_repro.text import lines

_SAMPLES = 5
_CHECKPOINTS, _AVERAGED = 4, 3


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-demo`; see `command.run` for arguments and statuses."""
    return command.run("t2t-demo", __doc__ or "", _define_flags, _demo, argv)


def _define_flags(values: flags.FlagValues) -> None:
    for name, default, text in (
        ("problem", "translate_ende_toy", "problem to show"),
        ("hparams_set", "transformer_demo", "hparams set to train"),
        ("work_dir", "demo_run", "new folder for data, run and translations"),
    ):
        flags.DEFINE_string(name, default, text, flag_values=values)
    flags.DEFINE_integer(
        "train_steps", 2000, "updates", lower_bound=1, flag_values=values
    )


def _demo(values: flags.FlagValues) -> int | None:
    problem = registry.problem(values.problem)
    registry.hparams(values.hparams_set)
    work = files.absolute(values.work_dir)
    if work.exists() and not work.is_dir():
        raise UsageError(
            f"--work_dir={values.work_dir} is a file: give a new folder."
        )
    if work.exists() and any(work.iterdir()):
        raise UsageError(
            f"--work_dir={values.work_dir} is not empty: remove it, or give a"
            " new folder."
        )
    begin = time.monotonic()
    files.make_folder(work)
    base = values.work_dir
    split = "test" if "test" in problem.splits else "dev"
    source, reference, output = (
        f"{base}/{split}.{name}"
        for name in ("source", "reference", "translation")
    )
    same = [f"--problem={values.problem}", f"--data_dir={base}/data"]
    run = f"--output_dir={base}/run"
    steps = values.train_steps
    # They must be equally spaced.
    is_even = steps % _CHECKPOINTS == 0
    averaged = [f"--average_last={_AVERAGED}"] if is_even else []
    _show(t2t_datagen.main, *same, f"--tmp_dir={base}/raw")
    pairs = list(problem.generate_samples(split, work / "raw"))
    lines.write_lines_atomically(source, [pair[0] for pair in pairs])
    lines.write_lines_atomically(reference, [pair[1] for pair in pairs])
    _show(
        t2t_trainer.main,
        *same,
        f"--hparams_set={values.hparams_set}",
        run,
        f"--train_steps={steps}",
        f"--local_eval_frequency={max(1, steps // _CHECKPOINTS)}",
        *averaged,
    )
    _show(
        t2t_decoder.main,
        run,
        "--decode_hparams=beam_size=4,alpha=0.6",
        f"--decode_from_file={source}",
        f"--decode_to_file={output}",
    )
    translations = lines.read_lines(output)
    together = list(zip(pairs, translations, strict=True))
    print(f"\n{_SAMPLES} of {len(pairs)} sentences that training has not seen:")
    for (text, expected), translation in together[:_SAMPLES]:
        print(f"\n  source       {text}")
        print(f"  translation  {translation}")
        print(f"  reference    {expected}")
    exact = sum(translation == pair[1] for pair, translation in together)
    print(
        f"\n{exact} of {len(pairs)} translations ({exact / len(pairs):.1%}) are"
        " the reference's to the letter."
    )
    _show(t2t_bleu.main, f"--translation={output}", f"--reference={reference}")
    print(f"\n{time.monotonic() - begin:.0f} seconds; all files are in {base}.")
    return 0


def _show(main_function: Callable[[list[str]], int], *arguments: str) -> None:
    """Prints a command as it would be typed, and runs it."""
    name = main_function.__module__.rsplit(".", 1)[1].replace("_", "-")
    print(f"\n$ {name} {shlex.join(arguments)}", flush=True)
    status = main_function(list(arguments))
    sys.stdout.flush()
    if status:
        raise InputError(f"{name} ended with status {status}; see above.")


if __name__ == "__main__":
    raise SystemExit(main())
