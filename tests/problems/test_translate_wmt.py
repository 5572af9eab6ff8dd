"""tensor2tensor's WMT problems: names, tables, and one small run of each."""

import pytest

from t2t_repro import registry
from tests.data import tar_files

_NAMES = [
    f"translate_{pair}_wmt{size}k"
    for pair in ("ende", "enfr")
    for size in (8, 32)
]


@pytest.mark.parametrize("name", _NAMES)
def test_declaration(name):
    problem = registry.problem(name)
    size = 2**15 if name.endswith("32k") else 2**13
    assert problem.vocab_filename == f"vocab.{name}.{size}.subwords"
    assert problem.languages == ("en", name[12:14])
    backward = registry.problem(f"{name}_rev")
    assert backward.languages == (name[12:14], "en")
    assert backward.vocab_filename == problem.vocab_filename
    assert [problem.shards(split) for split in problem.splits] == [100, 1, 1]
    # tensor2tensor filters nothing but empty lines.
    assert problem.filters == type(problem.filters)()


def test_numbers_of_pairs():
    # 284,246 + 2,399,123 + 1,920,209, and of French
    # 3,244,152 + 2,007,723 + 183,251 + 22,520,376 + 12,886,831.
    for pair, train in (("ende", 4_603_578), ("enfr", 40_842_333)):
        problem = registry.problem(f"translate_{pair}_wmt32k")
        sizes = [problem.published_pairs[split] for split in problem.splits]
        assert sizes == [train, 3_000, 3_003]


@pytest.mark.parametrize("name", _NAMES)
def test_sources(name):
    sources = registry.problem(name).sources()
    for source in sources:
        assert source["url"].startswith("http://")
        assert source["url"].endswith((".tgz", ".tar"))
        english, other = source["members"]
        assert english.replace(".en", ".XX") != english
        assert f".{name[12:14]}" in other
        if source["corpus"] != "newstest2013":
            assert len(bytes.fromhex(source["sha256"])) == 32
            assert source["size"] > 1_000_000
    # One file in tmp_dir for each address.
    files = {source["file"]: source["url"] for source in sources}
    assert len(files) == len({source["url"] for source in sources})
    assert [s["year"] for s in sources if s["split"] == "test"] == [2014]


@pytest.mark.parametrize("pair", ["ende", "enfr"])
def test_every_corpus_is_read_from_its_members(pair, tmp_path):
    problem = registry.problem(f"translate_{pair}_wmt32k")
    members: dict[str, dict[str, bytes]] = {}
    corpora = [c for split in problem.splits for c in problem.corpora[split]]
    for corpus in corpora:
        for side, member in enumerate((corpus.source, corpus.target)):
            text = f"{corpus.name} {side}"
            line = f"<seg>{text}</seg>" if ".sgm" in member else text
            archive = members.setdefault(corpus.archive.name, {})
            archive[member] = f"{line}\n".encode()
    for name, content in members.items():
        tar_files.write(tmp_path / name, content)
    # The archives are of this test, so are their hashes.
    problem.corpora = {
        split: tuple(
            c._replace(archive=c.archive._replace(sha256=None))
            for c in problem.corpora[split]
        )
        for split in problem.splits
    }
    read = [
        pair
        for split in problem.splits
        for pair in problem.generate_samples(split, tmp_path)
    ]
    assert read == [(f"{c.name} 0", f"{c.name} 1") for c in corpora]
    assert len(list(problem.vocabulary_lines(tmp_path))) == 2 * len(
        problem.corpora["train"]
    )
