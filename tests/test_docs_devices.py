"""docs/devices.md: its figures follow from the code, its two workers train."""

import json
import re
import shlex
import socket

import pytest

from t2t_repro import registry
from t2t_repro.models.transformer import Transformer
from tests import source_tree, toy_run, trainer_process

pytestmark = pytest.mark.timed

_TEXT = (source_tree.ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
_ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in _TEXT.splitlines()
    if line.startswith("|")
]
_VOCABULARY = 37_000


@pytest.fixture(scope="module")
def parameters():
    """Of base and of big, whose vocabulary enters through one matrix."""
    counts = []
    for name in ("transformer_base", "transformer_big"):
        hparams = registry.hparams(name)
        model = Transformer(hparams, 2)
        rest = (_VOCABULARY - 2) * hparams.hidden_size
        counts.append(model.count_params() + rest)
    return counts


def _cells(first: str) -> list[str]:
    (found,) = [row for row in _ROWS if row[0].startswith(first)]
    return found[2:]


@pytest.mark.parametrize(
    ("row", "bytes_of_parameter"),
    [
        ("gradients", 4),
        ("sent by each of 2", 4 * 2 * 1 / 2),
        ("sent by each of 8", 4 * 2 * 7 / 8),
        ("held by each replica", 4 + 2 * 4 + 4),
        ("held besides", 4),
        ("passed through memory", 2 * 4 + 4),
        ("a checkpoint", 4 + 2 * 4),
    ],
)
def test_the_bytes_follow_from_the_parameters(
    parameters, row, bytes_of_parameter
):
    assert _cells("parameters") == [f"{count:,}" for count in parameters]
    assert _cells(row) == [
        f"{count * bytes_of_parameter / 1e6:.1f} MB" for count in parameters
    ]


def test_the_seconds_over_a_network(parameters):
    # 10 Gbit/s are 1.25e9 bytes; 8 P (n - 1) / n bytes for n = 2 are 4 P.
    base, big = (4 * count / 1.25e9 for count in parameters)
    assert f"over 10 Gbit/s, {base:.2f} s for" in _TEXT
    assert f"and {big:.2f} s for big" in _TEXT


@pytest.mark.parametrize("replicas", [1, 2, 4, 8])
def test_the_sets_make_the_papers_batch(replicas):
    (row,) = [row for row in _ROWS if row[0] == str(replicas)]
    for cell in row[1:]:
        name, *changes = re.findall("`([^`]+)`", cell)
        hparams = registry.hparams(name).override(",".join(changes))
        tokens = hparams.batch_size * hparams.accumulate_steps * replicas
        assert tokens == 25_000, cell


def _worker_commands() -> list[tuple[str, list[str]]]:
    """TF_CONFIG and the flags of both workers, as the page has them."""
    commands = []
    for block in re.findall(r"```\n(TF_CONFIG=.*?)```", _TEXT, re.DOTALL):
        config, command, *flags = shlex.split(block.replace("\\\n", " "))
        assert command == "t2t-trainer"
        commands.append((config.removeprefix("TF_CONFIG="), flags))
    return commands


def _two_free_ports() -> list[int]:
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in (one, other)]


def test_the_two_workers_of_the_page_train(trained, tmp_path):
    first, second = _two_free_ports()
    names = {
        "HOST_A:2222": f"127.0.0.1:{first}",
        "HOST_B:2223": f"127.0.0.1:{second}",
        "--data_dir=DATA": f"--data_dir={trained.data_dir}",
        "--output_dir=SHARED_RUN": f"--output_dir={tmp_path / 'run'}",
        "--train_steps=200": "--train_steps=2",
    }

    def filled_in(text: str) -> str:
        for name, value in names.items():
            text = text.replace(name, value)
        return text

    (config, flags), (other_config, other_flags) = _worker_commands()
    assert flags == other_flags
    indices = [json.loads(c)["task"]["index"] for c in (config, other_config)]
    assert indices == [0, 1]
    # A model that is traced in seconds, and a short look at dev data.
    arguments = [
        *map(filled_in, flags),
        f"--hparams={toy_run.HPARAMS}",
        "--eval_steps=1",
        "--eval_bleu_sentences=2",
    ]
    chief, worker = (
        trainer_process.Training(arguments, TF_CONFIG=filled_in(one))
        for one in (config, other_config)
    )
    with chief, worker:
        for training in (chief, worker):
            assert training.finish() == 0, training.errors()
    assert trainer_process.newest_step(tmp_path / "run") == 2
    said = (tmp_path / "run" / "batch_shapes.json").read_text("utf-8")
    assert json.loads(said)["replicas"] == 2
    assert list((tmp_path / "run" / "workers" / "1").glob("train/events*"))
