"""Every command of README.md and docs/*.md is executed, in miniature.

The commands of a section run in order in a folder of their own, through the
`main` of each program, with the page's own flags; flags behind them make the
work small. So a flag or name that does not exist, or a file that no command
before has written, fails with the page and the line. A training that begins is
stopped by a signal, and goes on by the same command. Of a benchmark, which a
test of its own runs, the flags are looked up. What cannot run here
stands in a table below with the reason; an entry that no page needs any more
fails too. Multi30k is not fetched: small files come in its place.
"""

import importlib
import os
import pathlib
import re
import signal
import sys
from collections.abc import Iterable

import pytest
from absl import flags
from t2t_repro.problems import translate_toy
from tensorboard import program as tensorboard_program
from tensorboard.plugins.core import core_plugin

from benchmarks import models
from t2t_repro import checkpoints, registry
from t2t_repro.bin import t2t_trainer
from t2t_repro.data import download
from t2t_repro.errors import UsageError
from t2t_repro.train.step import TrainStep
from tests import documented, documented_world, source_tree, toy_run
from tests.documented import Command

_ROOT = source_tree.ROOT

# Command, or how it begins and three dots -> why it is not run at all.
_NOT_RUN = {
    "pip install ...": "needs a network",
    "mount ...": "needs root; a file system of 2.3 MB",
    "python -m tensor2tensor.utils.avg_checkpoints": "tensor2tensor's own",
}
# The same -> why its flags and names are looked up, and no more.
_LOOKED_UP = {
    "t2t-bleu --language=de": "names a flag",
    "t2t-decoder --checkpoint=best": "names a flag",
    "t2t-decoder --decode_hparams": "names a flag",
    "t2t-decoder --engine=ctranslate2": "names a flag",
    "t2t-decoder --engine=litert": "names a flag",
    "t2t-decoder --engine=litert --quantize=int8": "names flags",
    "t2t-decoder --engine=ctranslate2 --quantize=int8": "names flags",
    "t2t-decoder --quantize=bfloat16": "names a flag",
    "t2t-trainer --average_last": "names a flag",
    "t2t-trainer --schedule=evaluate": "names a flag",
    "python -m t2t_repro.bin.t2t_trainer": "names a module",
}
# (page, the same) -> the test that takes it from the page and runs it.
_RUN_ELSEWHERE = {
    ("docs/devices.md", "TF_CONFIG=..."): "tests/test_docs_devices.py",
    ("docs/serving.md", "t2t-exporter ..."): "tests/test_serving_page.py",
}


def _matches(command: Command, key: str) -> bool:
    if key.endswith("..."):
        return command.text.startswith(key.removesuffix("..."))
    return command.text == key


def _is_in(command: Command, table: Iterable[str]) -> bool:
    return any(_matches(command, key) for key in table)


def _runs_elsewhere(command: Command) -> bool:
    page = command.page
    return _is_in(command, [key for of, key in _RUN_ELSEWHERE if of == page])


_COMMANDS = documented.commands()


def _sections() -> dict[tuple[Command, ...], str]:
    """The commands to do, by section; of equal sections the first."""
    sections: dict[tuple[str, str], list[Command]] = {}
    for command in _COMMANDS:
        if not _is_in(command, _NOT_RUN) and not _runs_elsewhere(command):
            sections.setdefault(command.page_and_section, []).append(command)
    by_texts: dict[tuple[str, ...], tuple[Command, ...]] = {}
    for commands in sections.values():
        by_texts.setdefault(tuple(c.text for c in commands), tuple(commands))
    return {
        commands: f"{commands[0].page}: {commands[0].section}"
        for commands in by_texts.values()
    }


@pytest.fixture
def world(trained, tmp_path, monkeypatch):
    """An empty folder to be in, no network, and a registry of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(download, "fetch", documented_world.fetch)
    monkeypatch.setitem(translate_toy._PAIRS, "train", 400)
    monkeypatch.setattr(sys, "path", [*sys.path])
    registry.load_built_in()
    for table in (registry._problems, registry._hparams):
        monkeypatch.setattr(table, "_entries", dict(table._entries))
    others = _take_usr()
    yield documented_world.World(trained)
    _take_usr()
    sys.modules.update(others)


def _take_usr() -> dict:
    """The modules of whatever folder was the last to be called usr."""
    names = [n for n in sys.modules if n == "usr" or n.startswith("usr.")]
    return {name: sys.modules.pop(name) for name in names}


def _run(command: Command) -> None:
    """Does what there is to do about a command; raises where it fails."""
    program, *arguments = documented_world.filled(command)
    if program == "make":
        _check_make(arguments)
    elif program == "tensorboard":
        _check_tensorboard(arguments)
    elif program == "echo":
        *said, arrow, name = arguments
        assert arrow == ">", "echo TEXT > FILE is what the test knows"
        pathlib.Path(name).write_text(f"{' '.join(said)}\n")
    elif arguments[:2] == ["-m", "pytest"]:
        for path in arguments[2:]:
            assert (_ROOT / path).is_file(), f"no file {path}"
        for name, _ in command.environment:
            _check_variable(name)
    else:
        _run_ours(command, program, arguments)


def _run_ours(command: Command, program: str, arguments: list[str]) -> None:
    if arguments[:1] == ["-m"]:
        _, name, *arguments = arguments
    elif program.startswith("benchmarks."):
        name = program
    else:
        name = _console_scripts()[program.removeprefix(".venv/bin/")]
    module = importlib.import_module(name)
    is_benchmark = name.startswith("benchmarks.")
    if is_benchmark:
        own = _ROOT / f"tests/benchmarks/test_{name.partition('.')[2]}.py"
        assert own.is_file(), f"no test runs {name}"
    if is_benchmark or _is_in(command, _LOOKED_UP):
        _look_up(module, arguments)
        return
    assert not command.environment, "variables are for what is not run"
    if name.endswith("t2t_trainer"):
        tiny = _tiny_training(arguments)
        if _begins_a_run(arguments):
            _train_with_a_stop([*arguments, *tiny])
            return
    else:
        tiny = []
    assert module.main([*arguments, *tiny]) == 0


def _tiny_training(arguments: list[str]) -> list[str]:
    """A step or two, and the sizes of the toy run for what begins anew."""
    said = _pairs(word.lstrip("-") for word in arguments if "=" in word)
    if "output_dir" not in said:
        return []
    done = checkpoints.steps(pathlib.Path(said["output_dir"]))
    steps = 2 if "average_last" in said else 1
    tiny = [
        f"--train_steps={max(done, default=0) + steps}",
        "--local_eval_frequency=1",
    ]
    if "schedule" not in said:
        tiny.append("--schedule=train")
    if "average_last" in said:
        tiny.append(f"--average_last={steps}")
    if "hparams_set" in said or "generate_data" in said:
        changes = _pairs(toy_run.HPARAMS.split(",")) | {"batch_shapes": "1"}
        if "hparams_set" in said:
            # Another family lacks some of them.
            if "t2t_usr_dir" in said:
                registry.import_usr_dir(said["t2t_usr_dir"])
            # With the page's own changes, which must be possible.
            hparams = registry.hparams(said["hparams_set"])
            known = vars(hparams.override(said.get("hparams", "")))
            changes = {n: v for n, v in changes.items() if n in known}
        own = _pairs(filter(None, said.get("hparams", "").split(",")))
        # Layers are slow to trace.
        changes |= {n: "1" if n.endswith("_layers") else own[n] for n in own}
        text = ",".join(f"{name}={value}" for name, value in changes.items())
        tiny.append(f"--hparams={text}")
    return tiny


def _begins_a_run(arguments: list[str]) -> bool:
    names = {word.split("=")[0] for word in arguments}
    return {"--output_dir", "--hparams_set"} <= names


def _train_with_a_stop(arguments: list[str]) -> None:
    """A signal stops a recipe; its command, given again, goes on.

    Args:
      arguments: of t2t-trainer, with what makes the work small.
    """
    said = _pairs(word for word in arguments if "=" in word)
    folder = pathlib.Path(said["--output_dir"])
    before = {0, *checkpoints.steps(folder)}
    begin = max(before)
    has_average = any("--average_last" in word for word in arguments)
    arguments = [
        *arguments,
        f"--train_steps={begin + 6}",
        "--local_eval_frequency=2",
        *(["--average_last=3"] if has_average else []),
    ]
    call, calls = TrainStep.__call__, []

    def signalled(self, inputs, targets):
        calls.append(0)
        if len(calls) == 4:  # the rehearsal, steps 1 to 3
            os.kill(os.getpid(), signal.SIGTERM)
        return call(self, inputs, targets)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainStep, "__call__", signalled)
        assert t2t_trainer.main(arguments) == 143
        assert checkpoints.interim_steps(folder) == [begin + 3]
        assert t2t_trainer.main(arguments) == 0
    # As of a run that nobody stopped.
    steps = [begin + 2, begin + 4, begin + 6]
    assert sorted(set(checkpoints.steps(folder)) - before) == steps
    assert not list(folder.glob("*.interim"))
    assert not (folder / "trainer.lock").exists()
    if has_average:
        prefix = checkpoints.path_of(folder, steps[-1], "averaged")
        assert checkpoints.averaged_steps(prefix) == steps


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    return dict(text.split("=", 1) for text in texts)


def _look_up(module, arguments: list[str]) -> None:
    """The flags exist, their values can be, and names are registered."""
    values = flags.FlagValues()
    module._define_flags(values)
    for word in arguments:
        name = word.lstrip("-").split("=")[0]
        assert name in values, f"--{name} is no flag of {module.__name__}"
    values(["program", *(word for word in arguments if "=" in word)])
    said = {name for name in values if values[name].present}
    if "problem" in said:
        registry.problem(values.problem)
    if "hparams_set" in said:
        registry.hparams(values.hparams_set)
    if "model" in said:
        models.hparams(values)


def _console_scripts() -> dict[str, str]:
    """Command -> module, of setup.py."""
    text = (_ROOT / "setup.py").read_text(encoding="utf-8")
    return dict(re.findall(r'"([\w-]+) = ([\w.]+):main"', text))


def _check_make(arguments: list[str]) -> None:
    text = (_ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [word for word in arguments if "=" not in word]
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", text, re.M), f"no target {target}"
    for word in set(arguments) - set(targets):
        _check_variable(word.split("=")[0])


def _check_variable(name: str) -> None:
    """A test reads this variable of the environment."""
    texts = (
        (_ROOT / path).read_text(encoding="utf-8")
        for path in source_tree.python_files("tests")
    )
    assert any(f'environ.get("{name}"' in text for text in texts), name


def _check_tensorboard(arguments: list[str]) -> None:
    """It would start: its flags are right, and there are events to show."""
    board = tensorboard_program.TensorBoard([core_plugin.CorePluginLoader()])
    board.configure(["tensorboard", *arguments])
    assert list(pathlib.Path(board.flags.logdir).rglob("events.*"))


@pytest.mark.parametrize(
    "commands", [*_sections()], ids=[*_sections().values()]
)
def test_the_commands_of_a_section(commands, world, capsys):
    given = documented_world.GIVEN.get(commands[0].page_and_section)
    if given:
        given(world)
    for command in commands:
        capsys.readouterr()
        try:
            _run(command)
        except (Exception, SystemExit) as error:
            said = capsys.readouterr().err.strip()
            pytest.fail(f"{command.place}\n{error}\n{said}")


def test_the_records_of_the_benchmarks_can_be_given_again():
    records = documented.records()
    assert records
    for command in records:
        _, _, name, *arguments = command.words
        _look_up(importlib.import_module(name), arguments)


def test_no_exception_is_stale():
    def unused(table, is_used):
        return [k for k in table if not any(is_used(c, k) for c in _COMMANDS)]

    assert not unused(_NOT_RUN | _LOOKED_UP, _matches)
    assert not unused(
        _RUN_ELSEWHERE,
        lambda command, key: (
            command.page == key[0] and _matches(command, key[1])
        ),
    )
    assert not unused(
        documented_world.FILLED,
        lambda command, key: command.page == key[0] and key[1] in command.words,
    )
    assert not unused(
        documented_world.GIVEN,
        lambda command, key: command.page_and_section == key,
    )


@pytest.mark.parametrize(("place", "test"), [*_RUN_ELSEWHERE.items()])
def test_what_runs_elsewhere_is_taken_from_the_page(place, test):
    name = pathlib.Path(place[0]).name
    assert f'"{name}"' in (_ROOT / test).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "make tests",
        "make T2T_SOAK_SEEDS=2 soak",
        "tensorboard --logdir=O",  # where no run is
        "t2t-blue --language=de",
        "t2t-bleu --langauge=de",
        "t2t-bleu --translation=out.de --reference=no_such_file",
        "t2t-datagen --problem=translate_ende_multi3k --tmp_dir=T --dry_run",
        "python -m benchmarks.train_step --model=huge",
        "python -m benchmarks.train_step --xla=maybe",
        ".venv/bin/python -m pytest tests/test_no_such_file.py",
        "unheard_of --flag",
    ],
)
def test_a_mistake_on_a_page_is_found(text, world):
    (command,) = documented.commands_of("page.md", f"```\n{text}\n```\n")
    with pytest.raises((Exception, SystemExit)):
        _run(command)


@pytest.mark.parametrize(
    "arguments",
    [["--averige_last"], ["--problem=no_such"], ["--hparams_set=no_such"]],
)
def test_a_mistake_is_found_without_running(arguments):
    with pytest.raises((AssertionError, UsageError)):
        _look_up(t2t_trainer, arguments)


def test_commands_are_found():
    page = """# One

```
# a word
first --flag  # why
A=1 second 'two words' \\
  --more
```

See `t2t-bleu --language=de`, not `nll --or` or `t2t-bleu`.

## Two

    make test
    a formula x b

```bash
last \\
```

```python
no_command()
```
"""
    found = documented.commands_of("page.md", page)
    assert [(c.line, c.section, c.words) for c in found] == [
        (5, "One", ("first", "--flag")),
        (6, "One", ("second", "two words", "--more")),
        (10, "One", ("t2t-bleu", "--language=de")),
        (14, "Two", ("make", "test")),
        (18, "Two", ("last",)),
    ]
    assert found[1].environment == (("A", "1"),)
