"""Several workers: what TF_CONFIG says, two processes, and one of them gone."""

import contextlib
import json
import socket

import pytest
import tensorflow as tf

from t2t_repro.errors import UsageError
from t2t_repro.train import cluster
from tests import mirrored, toy_run, trainer_process

pytestmark = pytest.mark.timed

# Until TensorFlow says that a worker has gone: about ten, and twice as much on
# a machine under load.
_NOTICE_SECONDS = 60


def _config(monkeypatch, value):
    text = value if isinstance(value, str) else json.dumps(value)
    monkeypatch.setenv("TF_CONFIG", text)


def _cluster(kind="worker", index=0, **more):
    return {
        "cluster": {"worker": ["a:1", "b:2"], **more},
        "task": {"type": kind, "index": index},
    }


def test_places(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert cluster.this_worker() == cluster.Worker(0, 1)
    assert cluster.join(0) is None
    _config(monkeypatch, _cluster(index=1))
    assert cluster.this_worker() == cluster.Worker(1, 2)
    assert not cluster.this_worker().is_chief
    # As cloud services set it for a job of one machine.
    for alone in ({"cluster": {}, "task": {}}, {"cluster": {"worker": ["a"]}}):
        _config(monkeypatch, alone)
        assert cluster.this_worker() == cluster.Worker(0, 1)


@pytest.mark.parametrize(
    "value, words",
    [
        ("{", "TF_CONFIG is not understood"),
        ("[]", "TF_CONFIG is not understood"),
        (_cluster(index="two"), "TF_CONFIG is not understood"),
        (_cluster(index=2), "an index below their number, 2"),
        (_cluster(kind="ps", ps=["c:3"]), "expected workers alone"),
        # TensorFlow's own form of two machines: they would train apart.
        (
            {
                "cluster": {"chief": ["a:1"], "worker": ["b:2"]},
                "task": {"type": "chief", "index": 0},
            },
            "names chief, worker .* expected workers alone",
        ),
    ],
)
def test_tf_config_that_means_nothing(monkeypatch, value, words):
    _config(monkeypatch, value)
    with pytest.raises(UsageError, match=words):
        cluster.this_worker()


def test_workers_take_all_their_gpus(monkeypatch):
    _config(monkeypatch, _cluster())
    with pytest.raises(UsageError, match="--worker_gpu=1 .* Leave the flag"):
        cluster.join(1)


def test_all_replicas_agree(monkeypatch):
    two = mirrored.strategy(2)
    assert cluster.Agreement(two).on(15) == 15
    _config(monkeypatch, _cluster())
    agreement = cluster.Agreement(two)
    assert [agreement.on(number) for number in (0, 2, 15, 127)] == [
        0,
        2,
        15,
        127,
    ]


def test_whether_all_workers_stand_at_the_same_step(monkeypatch):
    two = mirrored.strategy(2)
    _config(monkeypatch, _cluster())
    agreement = cluster.Agreement(two)
    assert agreement.is_same(0) and agreement.is_same(2**31 - 1)
    # Both replicas of this process give the same number, so one that differs
    # has to be put in where they are added: the bits of 3 and of 5, the lowest
    # first, are 1 1 0 and 1 0 1.
    agreement._sum = lambda bits: tf.constant([2.0, 1.0, 1.0])
    assert not agreement.is_same(3)


def test_the_loss_of_a_worker_is_one_only_with_workers(monkeypatch):
    error = tf.errors.UnavailableError(None, None, "/task:1 has crashed")
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert not cluster.is_loss_of_worker(error)
    _config(monkeypatch, _cluster())
    assert cluster.is_loss_of_worker(error)
    other = tf.errors.InvalidArgumentError(None, None, "/task:1")
    assert not cluster.is_loss_of_worker(other)


def _arguments(data_dir, folder, steps):
    return [
        *toy_run.trainer_arguments(data_dir, folder, steps),
        "--schedule=train",
        "--local_eval_frequency=2",
    ]


def _free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def _two_workers(arguments):
    cluster = {"worker": [f"127.0.0.1:{port}" for port in _free_ports(2)]}
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(
                trainer_process.Training(
                    arguments,
                    TF_CONFIG=json.dumps(
                        {
                            "cluster": cluster,
                            "task": {"type": "worker", "index": index},
                        }
                    ),
                )
            )
            for index in range(2)
        ]


@pytest.mark.parametrize("lost", [1])
def test_two_processes_of_which_one_is_killed(trained, tmp_path, lost):
    """The other ends with one line; started again, both go on, and end with
    the same bits as two that nobody killed."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    with _two_workers(_arguments(trained.data_dir, killed, 100_000)) as pair:
        pair[lost].wait_until(lambda: trainer_process.newest_step(killed) >= 2)
        pair[lost].kill()
        assert pair[1 - lost].process.wait(_NOTICE_SECONDS) == 1
        line = pair[1 - lost].errors().splitlines()[-1]
    assert line.startswith("t2t-trainer: another worker of TF_CONFIG has gone")
    assert f"number: {lost}" in line and "start all workers again" in line
    # It stood somewhere behind its newest checkpoint: to the next but one.
    steps = trainer_process.newest_step(killed) + 2
    for folder in (killed, whole):
        with _two_workers(_arguments(trained.data_dir, folder, steps)) as pair:
            for worker in pair:
                assert worker.finish() == 0, worker.errors()
    toy_run.assert_same_checkpoint(killed, whole, steps)
