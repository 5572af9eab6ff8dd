"""The parsing problems: what they read, and what they ask of the user."""

import gzip

import pytest

from t2t_repro import registry
from t2t_repro.decode import options
from t2t_repro.errors import InputError
from t2t_repro.text import trees

_NAMES = (
    "parsing_ptb_sample",
    "parsing_wsj_wp16k",
    "parsing_semisupervised_wp32k",
)
_TREE = "( (S (NP-SBJ (DT the) (NN {})) (VP (VBZ barks)) (. .)) )\n"


def _write(path, *words):
    path.parent.mkdir(parents=True, exist_ok=True)
    # Over several lines, as LDC99T42 has them.
    text = "".join(
        _TREE.format(word).replace(" (VP", "\n (VP") for word in words
    )
    path.write_text(text)


@pytest.fixture
def wsj(tmp_path):
    """Sections 02 to 23, one file each but for section 02, which has two."""
    folder = tmp_path / "treebank" / "parsed" / "mrg" / "wsj"
    for section in range(2, 24):
        name = f"{section:02}/wsj_{section:02}01.mrg"
        _write(folder / name, f"dog{section}", f"cat{section}")
    _write(folder / "02" / "wsj_0200.mrg", "first")
    _write(folder / "24" / "wsj_2400.mrg", "never")
    return tmp_path


def _sources(name, split, folder):
    samples = registry.problem(name).generate_samples(split, folder)
    return [source for source, _ in samples]


@pytest.mark.parametrize("name", _NAMES)
def test_decoding_as_in_section_6_3(name):
    problem = registry.problem(name)
    parsed = options.parse("", problem.decode_hparams)
    assert parsed.beam_size == 21
    assert parsed.alpha == 0.3
    assert parsed.extra_length == 300
    assert options.parse("beam_size=4", problem.decode_hparams).alpha == 0.3
    assert problem.metric == "f1"


def test_vocabularies():
    # Section 6.3: 16K and 32K tokens.
    sizes = [registry.problem(name).approx_vocab_size for name in _NAMES]
    assert sizes == [2000, 16_000, 32_000]
    assert registry.problem(_NAMES[0]).vocab_filename == (
        "vocab.parsing_ptb_sample.2000.bpe"
    )


def test_sections_of_the_wall_street_journal(wsj):
    name = "parsing_wsj_wp16k"
    train = _sources(name, "train", wsj)
    # Sections 02 to 21 with two trees each, and the second file of section 02.
    assert len(train) == 20 * 2 + 1
    assert train[:2] == [" the first barks .", " the dog2 barks ."]
    assert train[-1] == " the cat21 barks ."
    assert _sources(name, "dev", wsj) == [
        " the dog22 barks .",
        " the cat22 barks .",
    ]
    assert _sources(name, "test", wsj)[0] == " the dog23 barks ."


def test_sizes_by_which_another_corpus_is_said():
    """Sections 02-21, 22 and 23; what machines parsed has no known size."""
    sizes = {"train": 39_832, "dev": 1_700, "test": 2_416}
    assert registry.problem(_NAMES[1]).published_pairs == sizes
    del sizes["train"]
    assert registry.problem(_NAMES[2]).published_pairs == sizes


@pytest.mark.parametrize("layout", ["trees", "raw.trees", "mrg", "trees.gz"])
@pytest.mark.parametrize("name", _NAMES[:2])
def test_a_whole_split_in_one_file(tmp_path, name, layout):
    text = (_TREE.format("dog") + _TREE.format("cat")).encode()
    content = gzip.compress(text) if layout.endswith("gz") else text
    (tmp_path / f"dev.{layout}").write_bytes(content)
    assert _sources(name, "dev", tmp_path) == [
        " the dog barks .",
        " the cat barks .",
    ]


def test_machine_parsed_trees_come_after(wsj):
    name = "parsing_semisupervised_wp32k"
    for file, word in (
        ("high_confidence.trees", "sure"),
        ("berkeley_parser.trees", "parsed"),
    ):
        (wsj / file).write_text(_TREE.format(word))
    train = _sources(name, "train", wsj)
    assert len(train) == 41 + 2
    assert train[-2:] == [" the sure barks .", " the parsed barks ."]
    assert len(_sources(name, "dev", wsj)) == 2
    (wsj / "berkeley_parser.trees").unlink()
    with pytest.raises(
        InputError, match="berkeley_parser.trees does not exist"
    ):
        _sources(name, "train", wsj)


@pytest.mark.parametrize("name", _NAMES[1:])
def test_nothing_of_ldc99t42(name, tmp_path):
    with pytest.raises(InputError) as raised:
        _sources(name, "train", tmp_path)
    message = str(raised.value)
    assert "\n" not in message and str(tmp_path) in message
    for word in ("LDC99T42", "02, 03, 04", "wsj/02/wsj_0201.mrg", "train.mrg"):
        assert word in message


def test_a_section_is_missing(wsj):
    next(wsj.rglob("wsj_0701.mrg")).unlink()
    with pytest.raises(InputError, match="lacks sections 07 of"):
        _sources("parsing_wsj_wp16k", "train", wsj)


def test_two_copies(wsj):
    _write(wsj / "copy" / "WSJ_2201.MRG", "twice")
    with pytest.raises(InputError, match="there twice"):
        _sources("parsing_wsj_wp16k", "dev", wsj)


def test_nothing_of_the_sample(tmp_path):
    with pytest.raises(InputError, match="no dev.trees.*train.mrg and dev.mrg"):
        _sources("parsing_ptb_sample", "dev", tmp_path)


def test_what_data_is_made_from():
    assert registry.problem("parsing_wsj_wp16k").sources()[0] == {
        "split": "train",
        "corpus": "LDC99T42, Wall Street Journal, sections 02-21",
    }
    assert len(registry.problem("parsing_semisupervised_wp32k").sources()) == 5
    assert len(registry.problem("parsing_ptb_sample").sources()) == 2


def test_brackets_behind_their_first_children(tmp_path):
    _write(tmp_path / "dev.trees", "dog")
    text = (tmp_path / "dev.trees").read_text().replace("\n ", "")
    (tmp_path / "dev.trees").write_text(text)
    problem = registry.problem("parsing_ptb_sample_recombined_inorder")
    ((_, target),) = problem.generate_samples("dev", tmp_path)
    expected = "the DT (NP dog NN )NP (S barks VBZ (VP )VP . . )S"
    assert target.split() == expected.split()


def test_recombined_copies_follow_the_sample(tmp_path):
    words = [f"dog{number}" for number in range(40)]
    (tmp_path / "dev.trees").write_text(_TREE.format("dog"))
    (tmp_path / "train.trees").write_text("".join(map(_TREE.format, words)))
    name = "parsing_ptb_sample_recombined"
    train = _sources(name, "train", tmp_path)
    originals = _sources("parsing_ptb_sample", "train", tmp_path)
    assert len(train) == 20 * 40 and train[:40] == originals
    assert train != originals * 20
    assert _sources(name, "dev", tmp_path) == [" the dog barks ."]
    assert len(registry.problem(name).sources()) == 3


@pytest.mark.parametrize(("split", "size"), [("train", 3396), ("dev", 273)])
def test_the_sample(shared, split, size):
    folder = shared("data/ptb")
    problem = registry.problem("parsing_ptb_sample")
    samples = list(problem.generate_samples(split, folder))
    assert len(samples) == size
    plain = folder / f"{split}.plain.trees"
    for (source, _), tree in zip(samples, trees.read_trees(plain), strict=True):
        assert source.split(" ")[1:] == tree.words()
