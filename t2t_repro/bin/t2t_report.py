"""Puts a run beside its row of the paper and marks every difference.

Markdown on standard output, or JSON. The row is that of the hparams set's name
(Table 3, big, parsing), else the nearest. Scores of the test set are read from
what `t2t-bleu --json` or `t2t-parseval --json` printed. Nothing is guessed:
what no file tells is "not measured".

  t2t-bleu --translation=out --test_set=wmt14/full --language_pair=en-de \\
    --language=de --json > scores.json
  t2t-report --output_dir=run --data_dir=data --scores=scores.json
"""

import json
import sys
from collections.abc import Sequence

from absl import flags

from t2t_repro import files, registry, run_directory
from t2t_repro.bin import command
from t2t_repro.decode import options as decode_options


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-report`; see `command.run` for arguments and statuses."""
    return command.run("t2t-report", __doc__ or "", _define_flags, _body, argv)


def _define_flags(values: flags.FlagValues) -> None:
    for name, default, text in (
        ("output_dir", None, "run directory"),
        ("data_dir", None, "its data, for the year and the number of pairs"),
        ("scores", None, "JSON of t2t-bleu or t2t-parseval"),
        (
            "decode_hparams",
            "",
            "those that the scored translation was made with",
        ),
        ("t2t_usr_dir", None, "folder of your own Python files"),
    ):
        flags.DEFINE_string(name, default, text, flag_values=values)
    flags.DEFINE_float(
        "device_tflops",
        None,
        "sustained TFLOPS of one device, for the paper's estimate of FLOPs (it"
        " takes 9.5 for a P100)",
        lower_bound=0.0,
        flag_values=values,
    )
    flags.DEFINE_bool(
        "json", False, "print JSON instead of Markdown", flag_values=values
    )


def _body(values: flags.FlagValues) -> int | None:
    command.require(values, "output_dir")
    if values.t2t_usr_dir:
        registry.import_usr_dir(values.t2t_usr_dir)
    decode_options.parse(values.decode_hparams)
    run = run_directory.load(files.absolute(values.output_dir))
    problem = run.open_problem()
    decoding = decode_options.of_run(run, values.decode_hparams)
    data_dir = None
    if values.data_dir:
        data_dir = files.absolute(values.data_dir)
        command.require_folder("data_dir", data_dir)
        run_directory.check_data(run, problem, data_dir)
    command.load_tensorflow()
    from t2t_repro.report import comparison, run_facts

    scores = run_facts.read_scores(values.scores) if values.scores else None
    facts = run_facts.gather(run, decoding, data_dir, scores)
    compared = comparison.compare(facts, values.device_tflops)
    if values.json:
        print(json.dumps(comparison.as_json(compared), indent=1))
    else:
        sys.stdout.write(comparison.as_markdown(compared))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
