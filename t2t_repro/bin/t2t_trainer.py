"""Trains a model on a problem; the same command goes on where it stopped."""

import contextlib
import dataclasses
import logging
import os
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from t2t_repro import files, hparam, registry, run_directory, tensorflow_start
from t2t_repro.bin import command
from t2t_repro.errors import UsageError
from t2t_repro.train import options as train_options
from t2t_repro.train import profiling, worker_cpu
from t2t_repro.train.options import TrainOptions

logger = logging.getLogger("t2t_repro")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-trainer`; see `command.run` for arguments and statuses."""
    return command.run(
        "t2t-trainer", __doc__ or "", _define_flags, _run, argv, with_time=True
    )


def _define_flags(values: flags.FlagValues) -> None:
    command.define_problem_flags(values)
    command.define_model_flags(values)
    command.define_flags_of(TrainOptions, values)
    flags.DEFINE_string(
        "tmp_dir", None, "folder of the raw text", flag_values=values
    )
    flags.DEFINE_bool(
        "generate_data",
        False,
        "run t2t-datagen first, with --tmp_dir",
        flag_values=values,
    )


def _run(values: flags.FlagValues) -> int | None:
    if command.help_with_registry(values):
        return 0
    command.require(values, "data_dir", "output_dir")
    profiling.parse(values.profile)  # a mistake shows before TensorFlow loads
    folder = files.absolute(values.output_dir)
    data_dir = files.absolute(values.data_dir)
    if folder.resolve() == data_dir.resolve():
        raise UsageError(
            f"--output_dir={values.output_dir} is --data_dir: a run has a"
            " folder of its own, give another --output_dir."
        )
    lock: contextlib.AbstractContextManager = contextlib.nullcontext()
    if values.schedule != "evaluate" and _is_chief():
        lock = files.locked(
            folder / run_directory.TRAINER_LOCK,
            "wait for its end, stop it, or take another --output_dir",
        )
    with lock:
        _train(values, folder, data_dir)
    return 0


def _train(
    values: flags.FlagValues, folder: pathlib.Path, data_dir: pathlib.Path
) -> None:
    is_new = not run_directory.exists(folder)
    if is_new:
        command.require(values, "problem")
        _refuse_foreign(folder)
        _check_warm_start(values.warm_start_from)
        problem = registry.problem(values.problem)
        begun = _warm_start_run(values)
        _check_hparams(values, problem, begun)
    else:
        run = run_directory.load(folder)
        command.check_run(run, values)
        problem = run.open_problem()
    options = _options(values, folder)
    options.check(run_directory.checkpoint_steps(folder), problem.metric)
    if values.generate_data:
        command.require(values, "tmp_dir")
        from t2t_repro.data import generate

        generate.generate(problem, data_dir, files.absolute(values.tmp_dir))
    command.require_folder("data_dir", data_dir)
    if is_new:
        hparams_set, hparams = _hparams(values, problem, data_dir, begun)
        run = run_directory.Run(
            folder=folder,
            model=values.model or hparams.MODEL,
            hparams_set=hparams_set,
            hparams=hparams,
            problem=problem.full_name,
            languages=problem.languages,
            vocabulary=run_directory.data_vocabulary(problem, data_dir),
            usr_dir=registry.usr_dir(),
            decode_hparams=begun.decode_hparams if begun else "",
        )
    run_directory.check_data(run, problem, data_dir)
    strategy = _join_workers(values.worker_gpu)
    _say_start()
    cores = worker_cpu.start(options.worker_cpu, run.hparams)
    options = dataclasses.replace(options, worker_cpu=cores)
    from t2t_repro.train import trainer

    trainer.run(run, data_dir, options, strategy)


def _options(values: flags.FlagValues, folder: pathlib.Path) -> TrainOptions:
    given: dict[str, Any] = {
        name: values[name].value
        for name in hparam.field_types(TrainOptions)
        if values[name].present
    }
    if given.get("warm_start_from"):
        given["warm_start_from"] = str(files.absolute(values.warm_start_from))
    return train_options.resolve(folder, given)


def _is_chief() -> bool:
    """Whether this is the one process that writes the run directory."""
    if not os.environ.get("TF_CONFIG"):
        return True
    from t2t_repro.train import cluster

    return cluster.this_worker().is_chief


def _say_start() -> None:
    if "tensorflow" not in sys.modules:
        logger.info("starting TensorFlow")


def _join_workers(worker_gpu: int) -> Any:
    """The strategy of TF_CONFIG's workers, None without."""
    if not os.environ.get("TF_CONFIG"):
        return None
    with tensorflow_start.quiet_standard_error():
        from t2t_repro.train import cluster

    return cluster.join(worker_gpu)


def _warm_start_run(
    values: flags.FlagValues,
) -> run_directory.Run | None:
    """The run whose hparams a new one takes, where no set is named."""
    if values.hparams_set is not None or not values.warm_start_from:
        return None
    place = files.absolute(values.warm_start_from)
    return run_directory.load(place) if run_directory.exists(place) else None


def _check_hparams(
    values: flags.FlagValues, problem: Any, begun: run_directory.Run | None
) -> None:
    """Finds a mistake in set or changes before data are generated."""
    if begun is not None:
        begun.hparams.override(values.hparams)
        if values.model not in (None, begun.model):
            raise UsageError(
                f"--model={values.model}: {values.warm_start_from} is a run of"
                f" the model {begun.model}: leave --model out, or name an"
                " --hparams_set."
            )
        return
    named = values.hparams_set
    if named is None and os.environ.get("TF_CONFIG"):
        raise UsageError(
            "--hparams_set is required with TF_CONFIG: all workers must train"
            " the same model."
        )
    if named is None:
        named = problem.default_hparams_set(pairs=0, has_gpu=False)
    if named is None:
        command.require(values, "hparams_set")
    hparams = registry.hparams(named).override(values.hparams)
    model = values.model or hparams.MODEL
    # A record of a variant is one of the family that it varies, too.
    if type(hparams) is not registry.model(model).hparams:
        raise UsageError(
            f"--hparams_set={named} is for the model {hparams.MODEL}, not for"
            f" --model={model}: leave --model out."
        )


def _hparams(
    values: flags.FlagValues,
    problem: Any,
    data_dir: pathlib.Path,
    begun: run_directory.Run | None,
) -> tuple[str, hparam.HParams]:
    """Name and values: of a warm start's run, or else of a set."""
    if begun is not None:
        logger.info(
            "the hparams are those of %s (%s)", begun.folder, begun.hparams_set
        )
        return begun.hparams_set, begun.hparams.override(values.hparams)
    name = _hparams_set(values, problem, data_dir)
    return name, registry.hparams(name).override(values.hparams)


def _hparams_set(
    values: flags.FlagValues, problem: Any, data_dir: pathlib.Path
) -> str:
    """The set that was named, else the problem's choice, which is said."""
    if values.hparams_set is not None:
        return values.hparams_set
    from t2t_repro.data import generate

    pairs = generate.pairs_written(problem, data_dir)
    _say_start()
    has_gpu = tensorflow_start.has_gpu()
    chosen = problem.default_hparams_set(pairs, has_gpu)
    logger.info(
        "--hparams_set=%s is chosen for %d training pairs and %s; name another"
        " to have it (--registry_help lists them)",
        chosen,
        pairs,
        "a GPU" if has_gpu else "no GPU",
    )
    return chosen


def _refuse_foreign(folder: pathlib.Path) -> None:
    """A folder with checkpoints but without hparams.json is not ours."""
    if folder.is_dir() and any(folder.glob("*.ckpt-*")):
        raise UsageError(
            f"{folder} has checkpoints but no hparams.json: it is not a run of"
            " this program. Take another --output_dir."
        )


def _check_warm_start(path: str | None) -> None:
    """Finds a mistyped path before data are generated."""
    if not path:
        return
    place = files.absolute(path)
    if not (place.is_dir() or pathlib.Path(f"{place}.index").exists()):
        raise UsageError(
            f"--warm_start_from={path} is neither a run directory nor a"
            " checkpoint: give an --output_dir, or a prefix such as"
            " RUN/model.ckpt-1000."
        )


if __name__ == "__main__":
    raise SystemExit(main())
