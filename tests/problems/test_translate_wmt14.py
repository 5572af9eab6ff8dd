"""The paper's data: declarations, and the loading path with a small builder."""

import json
import pathlib

import pytest

from t2t_repro import registry
from t2t_repro.data import generate, records
from tests.data import small_wmt14

_ENDE, _ENFR = "translate_ende_wmt14_bpe37k", "translate_enfr_wmt14_wp32k"


@pytest.mark.parametrize(
    ("name", "languages", "vocabulary"),
    [
        (_ENDE, ("en", "de"), f"vocab.{_ENDE}.37000.bpe"),
        (f"{_ENDE}_rev", ("de", "en"), f"vocab.{_ENDE}.37000.bpe"),
        (_ENFR, ("en", "fr"), f"vocab.{_ENFR}.32768.subwords"),
        (f"{_ENFR}_rev", ("fr", "en"), f"vocab.{_ENFR}.32768.subwords"),
    ],
)
def test_declaration(name, languages, vocabulary):
    problem = registry.problem(name)
    assert problem.languages == languages
    assert problem.vocab_filename == vocabulary
    assert problem.splits == ("train", "dev", "test")
    assert [problem.shards(split) for split in problem.splits] == [100, 1, 1]


def test_filters():
    assert (
        registry.problem(_ENDE).filters
        == type(registry.problem(_ENDE).filters)()
    )
    filters = registry.problem(_ENFR).filters
    assert (filters.max_tokens, filters.max_ratio) == (175, 1.5)
    assert not filters.drop_duplicates


@pytest.mark.parametrize("name", [_ENDE, _ENFR])
def test_it_is_made_from_what_tensorflow_datasets_fetches(name):
    """Our table against the real builder's and its checksums."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download import checksums
    from tensorflow_datasets.translate import wmt

    problem = registry.problem(name)
    builder = tfds.builder(problem.dataset, data_dir="/nonexistent")
    source = builder.builder_config.language_pair[0]
    expected = {
        (ours, url)
        for ours, theirs in (
            ("train", "train"),
            ("dev", "validation"),
            ("test", "test"),
        )
        for subset in builder.subsets[theirs]
        for url in wmt.DATASET_MAP[subset].get_url(source)
    }
    sources = problem.sources()
    assert {(s["split"], s["url"]) for s in sources} == expected
    # Those of the large French corpora stand in another year's file.
    known: dict = {}
    for path in pathlib.Path(tfds.__file__).parent.glob("url_checksums/wmt*"):
        known |= checksums.load_url_infos(path)
    for entry in sources:
        info = known[entry["url"]]
        assert (entry["size"], entry["sha256"]) == (info.size, info.checksum)


@pytest.mark.parametrize(
    ("name", "source", "target"), [(_ENDE, "en", "de"), (_ENFR, "en", "fr")]
)
def test_the_loading_path(name, source, target, tmp_path):
    problem = registry.problem(name)
    small_wmt14.prepare(problem.dataset, tmp_path)
    for split, theirs in (
        ("train", "train"),
        ("dev", "validation"),
        ("test", "test"),
    ):
        read = sorted(problem.generate_samples(split, tmp_path))
        assert read == small_wmt14.pairs(theirs, source, target)


def test_subwords_are_learnt_from_the_first_lines(tmp_path):
    problem = registry.problem(_ENFR)
    small_wmt14.prepare(problem.dataset, tmp_path)
    pairs = list(problem.generate_samples("train", tmp_path))
    # "en train 10" has 11 characters, one digit less only 10: with a budget of
    # 15 there are two lines of each side.
    problem.vocabulary_characters = 15
    lines = list(problem.vocabulary_lines(tmp_path))
    assert lines == [*pairs[0], *pairs[1]]


@pytest.mark.parametrize("name", [_ENDE, f"{_ENFR}_rev"])
def test_from_datasets_to_shards(name, tmp_path):
    problem = registry.problem(name)
    problem.approx_vocab_size = 300
    problem.train_shards = 3
    small_wmt14.prepare(problem.dataset, tmp_path / "raw")
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    generate.generate(problem, data_dir, tmp_path / "raw")
    path = data_dir / f"{name.removesuffix('_rev')}.json"
    summary = json.loads(path.read_text())
    assert [
        (c["split"], c["corpus"], c["pairs_read"], c["pairs_kept"])
        for c in summary["corpora"]
    ] == [
        ("train", problem.dataset, 40, 40),
        ("dev", problem.dataset, 3, 3),
        ("test", problem.dataset, 2, 2),
    ]
    assert {s["year"] for s in summary["sources"]} >= {2013, 2014}
    shards = records.shard_paths(data_dir, problem.name, "train")
    assert len(records.read_pairs(shards)) == 40
