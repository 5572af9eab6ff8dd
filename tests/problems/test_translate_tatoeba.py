"""Tatoeba: what is held out, and that nothing of it is trained on."""

import re
import sys
import zipfile

import pytest

from t2t_repro import registry
from t2t_repro.errors import InputError


def _key(sentence):
    return tuple(re.findall(r"\w+", sentence.casefold()))


def _check_no_leak(problem, tmp_dir):
    parts = {
        split: list(problem.generate_samples(split, tmp_dir))
        for split in problem.splits
    }
    train = [{_key(pair[side]) for pair in parts["train"]} for side in (0, 1)]
    for split in ("dev", "test"):
        for side in (0, 1):
            assert not {_key(pair[side]) for pair in parts[split]} & train[side]
        english = [_key(source) for source, _ in parts[split]]
        assert len(set(english)) == len(english)
    assert not {_key(s) for s, _ in parts["dev"]} & {
        _key(s) for s, _ in parts["test"]
    }
    return parts


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Half of the sentences held out, from an archive made here."""
    problem = registry.problem("translate_ende_tatoeba")
    monkeypatch.setattr(type(problem), "sha256", None)
    monkeypatch.setattr(sys.modules[type(problem).__module__], "_PARTS", 4)
    text = "".join(
        f"Sentence {i}{end}\tSatz {i % 150}{end}\r\n"
        for i in range(200)
        for end in ("!", ".")
    )
    with zipfile.ZipFile(tmp_path / "deu-eng.zip", "w") as archive:
        archive.writestr("deu.txt", "\ufeff" + text)
        archive.writestr("_about.txt", "CC BY 2.0")
    return problem, tmp_path


def test_a_sentence_is_on_one_side_with_all_its_translations(small):
    parts = _check_no_leak(*small)
    # "Satz 1" belongs to the sentences 1 and 151: where one is held out, the
    # other is not trained on.
    trained = {pair[1] for pair in parts["train"]}
    held_out = {_key(pair[1]) for pair in parts["dev"] + parts["test"]}
    assert len(parts["dev"]) + len(parts["test"]) > 60
    assert len(trained) > 50
    assert not {_key(text) for text in trained} & held_out


def test_the_order_is_fixed_and_not_that_of_the_archive(small):
    problem, folder = small
    first, again = (
        [pair[0] for pair in problem.generate_samples("train", folder)]
        for _ in range(2)
    )
    assert first == again
    assert first != sorted(first, key=len)


def test_the_archives(shared):
    folder = shared("data/tatoeba")
    # The README beside the archives counts 169,813 and 142,787 pairs.
    for name, pairs in (("ende", 169_813), ("enfr", 142_787)):
        parts = _check_no_leak(
            registry.problem(f"translate_{name}_tatoeba"), folder
        )
        assert 0.95 * pairs < len(parts["train"]) < 0.985 * pairs
        for split in ("dev", "test"):
            assert 900 < len(parts[split]) < 1600


@pytest.mark.parametrize("content", [b"no archive", None])
def test_what_is_no_archive(small, content):
    problem, folder = small
    path = folder / "deu-eng.zip"
    if content:
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("other.txt", "a\tb\n")
    with pytest.raises(InputError, match="expected a zip file with one text"):
        next(problem.generate_samples("dev", folder))
