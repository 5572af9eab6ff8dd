"""Searches of a fixed length, and real lines; never their speed."""

import numpy as np
import pytest

from benchmarks import decode
from hparams.transformer import transformer_tiny
from t2t_repro.models.transformer import Transformer
from tests.benchmarks import run_benchmark

_SMALL = (
    "--model=transformer_tiny",
    "--batch=3",
    "--source=4",
    "--steps=5",
    "--beam=2",
    "--vocab=60",
    "--rounds=1",
    "--matmul_size=64",
)


def test_figures_follow_from_the_seconds(capsys):
    record = run_benchmark.record_of(capsys, decode, *_SMALL)
    (best,) = record["seconds"]["t2t_repro, beam 2"]
    # 3 sentences of exactly 5 ids: the searches check that themselves.
    assert record["sentences_per_second"] == pytest.approx(3 / best)
    assert record["tokens_per_second"] == pytest.approx(15 / best)
    (greedy,) = record["seconds"]["t2t_repro, greedy"]
    assert record["greedy_sentences_per_second"] == pytest.approx(3 / greedy)
    operations = transformer_tiny().decoding_flops((3, 4, 5), 60, 2)
    limit = 4 * 2 * 64**3 / record["seconds"]["ceiling float32"][0]
    share = operations / best / limit
    assert record["matmul_share"] == pytest.approx(share)
    assert record["arithmetic_sentences_per_second"] == pytest.approx(
        3 / best / share
    )


def test_the_end_of_sentence_has_a_logit_of_zero():
    apart = transformer_tiny().replace(
        num_hidden_layers=1, shared_embedding_and_softmax_weights=False
    )
    model = Transformer(apart, 60)
    decode.silence_end_of_sentence(model, 60)
    rows = np.random.default_rng(1).normal(size=(20, 128)).astype(np.float32)
    logits = np.array(model.logits(rows))
    assert (logits[:, 1] == 0).all()
    # About half of 60 are above it, so it is never among the best 8.
    assert ((logits > 0).sum(axis=1) > 8).all()


def test_real_lines(capsys, trained, tmp_path):
    lines = tmp_path / "lines"
    lines.write_text("the house is old.\nmy dog sleeps.\n")
    record = run_benchmark.record_of(
        capsys,
        decode,
        f"--output_dir={trained.output_dir}",
        f"--decode_from_file={lines}",
        "--rounds=1",
        "--beam=2",
    )
    (best,) = record["seconds"]["t2t_repro, beam 2"]
    assert record["sentences"] == 2
    assert record["sentences_per_second"] == pytest.approx(2 / best)
    assert record["tokens_per_second"] > 0


def test_real_lines_need_a_run(capsys):
    assert decode.main(["--decode_from_file=lines"]) == 2
    assert "--output_dir is required" in capsys.readouterr().err
