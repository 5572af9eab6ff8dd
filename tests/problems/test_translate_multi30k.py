"""Multi30k: its files, hashes, splits and directions."""

import pytest

from t2t_repro import registry
from t2t_repro.errors import InputError


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("translate_ende_multi30k", ("en", "de")),
        ("translate_enfr_multi30k", ("en", "fr")),
        ("translate_enfr_multi30k_rev", ("fr", "en")),
    ],
)
def test_declaration(name, languages):
    problem = registry.problem(name)
    assert problem.languages == languages
    assert problem.splits == ("train", "dev", "test")
    base = name.removesuffix("_rev")
    assert problem.vocab_filename == f"vocab.{base}.8192.bpe"
    assert [problem.shards(split) for split in problem.splits] == [4, 1, 1]


def test_sources():
    sources = registry.problem("translate_ende_multi30k").sources()
    files = [(s["split"], s["url"].rsplit("/", 1)[1]) for s in sources]
    assert files == [
        ("train", "train.en.gz"),
        ("train", "train.de.gz"),
        ("dev", "val.en.gz"),
        ("dev", "val.de.gz"),
        ("test", "test_2016_flickr.en.gz"),
        ("test", "test_2016_flickr.de.gz"),
    ]
    assert all(s["url"].startswith("https://") for s in sources)
    assert all(len(bytes.fromhex(s["sha256"])) == 32 for s in sources)


@pytest.mark.parametrize("pair", ["ende", "enfr"])
def test_the_corpus(pair, shared):
    folder = shared("data/multi30k")
    problem = registry.problem(f"translate_{pair}_multi30k")
    # The sizes that Elliott et al. 2016 give, section 2.
    for split, size in (("train", 29_000), ("dev", 1_014), ("test", 1_000)):
        samples = list(problem.generate_samples(split, folder))
        assert len(samples) == size
        assert all(source and target for source, target in samples)


def test_reversing_does_not_change_the_files(shared):
    folder = shared("data/multi30k")
    samples = [
        next(iter(registry.problem(name).generate_samples("dev", folder)))
        for name in ("translate_ende_multi30k", "translate_ende_multi30k_rev")
    ]
    assert samples[0] == samples[1]


def test_a_changed_file_is_refused(tmp_path):
    (tmp_path / "val.en.gz").write_bytes(b"not the corpus")
    problem = registry.problem("translate_ende_multi30k")
    with pytest.raises(InputError, match="val.en.gz has SHA-256"):
        next(problem.generate_samples("dev", tmp_path))
