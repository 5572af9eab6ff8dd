"""The t2t-bleu command, as a user meets it."""

import gzip
import hashlib
import json
import pathlib
import re
import subprocess
import sys

import pytest
import sacrebleu.utils

from t2t_repro.bin import t2t_bleu

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_HYPOTHESIS = "Ein alt-neuer Weg dort hin.\n"
_REFERENCE = "Ein neu-neuer Weg dort hin.\n"
# What sacreBLEU tests too, in the order of its command.
_TESTED = ("sacrebleu", "chrf2", "ter")
_FILES = (("reference", "ref"), ("translation", "hyp"), ("baseline", "base"))


@pytest.fixture
def files(tmp_path):
    """Flags for a translation and a reference of one line each."""
    (tmp_path / "hyp").write_text(_HYPOTHESIS)
    (tmp_path / "ref").write_text(_REFERENCE)
    return [
        f"--translation={tmp_path / 'hyp'}",
        f"--reference={tmp_path / 'ref'}",
    ]


@pytest.fixture
def failure(capsys):
    """Runs the command; returns its exit status and its one line of error."""

    def run(*arguments):
        status = t2t_bleu.main(list(arguments))
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("t2t-bleu: ")
        assert captured.err.count("\n") == 1
        return status, captured.err

    return run


def test_sacrebleu_alone(files, capsys):
    assert t2t_bleu.main(files) == 0
    # One wrong word of six, as in tests/metrics/test_bleu.py: (1/12)^(1/4).
    # 13a leaves the hyphen where it is, too.
    digest = hashlib.sha256(_REFERENCE.encode()).hexdigest()
    assert re.fullmatch(
        r"sacrebleu = 53\.73 nrefs:1\|case:mixed\|eff:no\|tok:13a\|smooth:exp"
        rf"\|version:\S+ reference sha256 {digest}\n",
        capsys.readouterr().out,
    )


@pytest.mark.parametrize(("count", "said"), [(99, 0), (100, 1)])
def test_tokenised_text_is_doubted_in_one_line(tmp_path, capsys, count, said):
    (tmp_path / "hyp").write_text("ein Hund .\n" * count)
    (tmp_path / "ref").write_text("ein Hund.\n" * count)
    flags = [f"--translation={tmp_path}/hyp", f"--reference={tmp_path}/ref"]
    assert t2t_bleu.main(flags) == 0
    error = capsys.readouterr().err
    assert error.count("\n") == said
    assert error.count(f"has {count} lines that end in ' .'") == said


def test_every_figure_under_its_name(files, capsys):
    assert t2t_bleu.main([*files, "--language=de", "--t2t"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("sacrebleu = 53.73 nrefs:1|")
    # With the compounds split, one wrong word of eight: (1/4)^(1/4).
    assert re.fullmatch(
        r"paper_bleu = 70\.71 Moses-tokenised \(de, sacremoses \S+\),"
        r" compounds split at hyphens, multi-bleu, cased",
        lines[1],
    )
    # As sacreBLEU here: one wrong word of six.
    assert re.fullmatch(
        r"multi30k_bleu = 53\.73 Moses-tokenised \(de, sacremoses \S+\),"
        r" multi-bleu, lowercased",
        lines[2],
    )
    # `intl` makes three tokens of the compound, so the same counts again.
    assert lines[3:] == ["BLEU_uncased =  70.71", "BLEU_cased =  70.71"]


def test_json_is_one_object_with_the_same_figures(files, capsys):
    assert t2t_bleu.main([*files, "--language=de", "--t2t", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report) == [
        *("sacrebleu", "paper_bleu", "multi30k_bleu", "t2t_bleu")
    ]
    assert report["sacrebleu"]["score"] == pytest.approx(100 * (1 / 12) ** 0.25)
    assert report["sacrebleu"]["signature"].startswith("nrefs:1|case:mixed|")
    assert report["paper_bleu"]["score"] == pytest.approx(100 * 0.25**0.25)
    assert report["t2t_bleu"]["cased"] == pytest.approx(100 * 0.25**0.25)
    t2t_bleu.main([*files, "--json"])
    assert list(json.loads(capsys.readouterr().out)) == ["sacrebleu"]


def test_the_digest_is_that_of_the_file_on_the_disk(files, tmp_path, capsys):
    packed = tmp_path / "ref.gz"
    packed.write_bytes(gzip.compress(_REFERENCE.rstrip().encode()))
    arguments = [files[0], f"--reference={packed}", "--json"]
    assert t2t_bleu.main(arguments) == 0
    report = json.loads(capsys.readouterr().out)["sacrebleu"]
    assert report["score"] == pytest.approx(100 * (1 / 12) ** 0.25)
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    assert report["reference_sha256"] == digest


def test_reference_quotes_on_request(tmp_path, capsys):
    (tmp_path / "hyp").write_text('Er sagte "Ja" zu mir.\n')
    (tmp_path / "ref").write_text("Er sagte „Ja“ zu mir.\n")
    arguments = [
        f"--translation={tmp_path / 'hyp'}",
        f"--reference={tmp_path / 'ref'}",
        "--language=de",
    ]
    t2t_bleu.main(arguments)
    assert "paper_bleu = 100.00" not in capsys.readouterr().out
    t2t_bleu.main([*arguments, "--rewrite_reference_quotes"])
    output = capsys.readouterr().out
    assert "paper_bleu = 100.00" in output
    assert "reference quotes rewritten" in output
    assert "sacrebleu = 100.00" not in output


def test_a_test_set_of_sacrebleu(files, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        sacrebleu.utils,
        "get_reference_files",
        lambda test_set, pair: [str(tmp_path / "ref")],
    )
    arguments = [files[0], "--test_set=wmt14/full", "--language_pair=en-de"]
    assert t2t_bleu.main(arguments) == 0
    output = capsys.readouterr().out
    assert output.startswith("sacrebleu = 53.73 nrefs:1|")
    assert "|test:wmt14/full|lang:en-de|" in output


@pytest.mark.parametrize("error", [OSError("no network"), SystemExit(1)])
def test_a_test_set_out_of_reach(files, failure, monkeypatch, error):
    def fetch(test_set, pair):
        raise error

    monkeypatch.setattr(sacrebleu.utils, "get_reference_files", fetch)
    status, message = failure(
        files[0], "--test_set=wmt14/full", "--language_pair=en-de"
    )
    assert status == 1
    assert "cannot fetch wmt14/full en-de" in message
    assert "--reference=FILE" in message


def test_a_test_set_with_two_references(files, tmp_path, capsys, monkeypatch):
    paths = [str(tmp_path / "ref"), str(tmp_path / "hyp")]
    monkeypatch.setattr(
        sacrebleu.utils, "get_reference_files", lambda *_: paths
    )
    arguments = [files[0], "--test_set=wmt14/full", "--language_pair=en-de"]
    assert t2t_bleu.main(arguments) == 0
    # The second one is the translation itself.
    assert capsys.readouterr().out.startswith("sacrebleu = 100.00 nrefs:2|")


def _sacrebleu(*arguments):
    """What sacreBLEU's own command prints, with four decimals."""
    return subprocess.run(
        [sys.executable, "-m", "sacrebleu", *map(str, arguments), "-w", "4"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture
def two_outputs(tmp_path):
    """Made-up text: a reference, a translation of it and a worse one."""
    words = [*("ein", "zwei", "drei", "Hund", "Katze", "läuft"), *"abcde"]
    sentences = [
        [words[(n * n + 3 * k) % len(words)] for k in range(4 + n % 7)]
        for n in range(40)
    ]
    for name, period in (("ref", 0), ("hyp", 5), ("base", 3)):
        lines = [
            " ".join(
                "x" if period and (n + k) % period == 0 else word
                for k, word in enumerate(sentence)
            )
            for n, sentence in enumerate(sentences)
        ]
        (tmp_path / name).write_text("".join(f"{line}.\n" for line in lines))
    return tmp_path


def test_chrf2_and_ter_are_those_of_sacrebleu(two_outputs, capsys):
    """One reference, and two: figure and signature."""
    hypothesis, reference = two_outputs / "hyp", two_outputs / "ref"
    for references in ([reference], [reference, two_outputs / "base"]):
        flags = [f"--reference={path}" for path in references]
        flags += [f"--translation={hypothesis}", "--chrf", "--ter"]
        assert t2t_bleu.main(flags) == 0
        out, error = capsys.readouterr()
        assert error == ""
        theirs = json.loads(
            _sacrebleu(
                *references, "-i", hypothesis, "-m", "bleu", "chrf", "ter"
            )
        )
        expected = [
            f"{name} = {found['score']:.2f} {found['signature']}"
            for name, found in zip(_TESTED, theirs, strict=True)
        ]
        lines = out.splitlines()
        assert lines[0].startswith(expected[0] + " reference sha256")
        assert lines[1:] == expected[1:]


def _numbers(text):
    return re.findall(r"\d+\.\d{4}", text)


def test_paired_tests_are_those_of_sacrebleu(two_outputs, capsys):
    names = [two_outputs / name for name in ("ref", "base", "hyp")]
    flags = [f"--reference={names[0]}", f"--baseline={names[1]}"]
    flags += [f"--translation={names[2]}", "--chrf", "--ter"]
    assert t2t_bleu.main([*flags, "--json"]) == 0
    paired = json.loads(capsys.readouterr().out)["paired"]
    assert list(paired) == [*_TESTED]
    command = [names[0], "-i", *names[1:], "-m", "bleu", "chrf", "ter"]
    command += ["--format", "text"]

    def ours(*fields):
        return [f"{paired[n][f]:.4f}" for n in _TESTED for f in fields]

    # A row for the baseline, one for the translation, one of probabilities.
    bootstrap = _sacrebleu(*command, "--paired-bs")
    assert _numbers(bootstrap) == [
        *ours("baseline", "baseline_mean", "baseline_interval"),
        *ours("score", "mean", "interval"),
        *ours("bootstrap_p"),
    ]
    randomisation = _sacrebleu(*command, "--paired-ar")
    assert _numbers(randomisation) == [
        *(*ours("baseline"), *ours("score"), *ours("randomisation_p"))
    ]
    for found in paired.values():
        assert f" {found['bootstrap_signature']}\n" in bootstrap
        assert f" {found['randomisation_signature']}\n" in randomisation


def test_paired_tests_in_words(two_outputs, capsys):
    (two_outputs / "base").write_text((two_outputs / "hyp").read_text())
    flags = [f"--{flag}={two_outputs / name}" for flag, name in _FILES]
    assert t2t_bleu.main(flags) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert re.fullmatch(
        r"sacrebleu of the baseline = \d+\.\d\d, difference \+0\.00", lines[1]
    )
    # No resample differs, so that only the one counts that is always added: of
    # 1,001 and of 10,001.
    assert lines[2].startswith("sacrebleu paired bootstrap: p = 0.0010, ")
    assert "|bs:1000|seed:12345|" in lines[2] and " +- " in lines[2]
    assert lines[3].startswith(
        "sacrebleu approximate randomisation: p = 0.0001, nrefs:1|ar:10000|"
    )


def test_a_baseline_of_other_sentences(two_outputs, failure, monkeypatch):
    flags = [f"--{flag}={two_outputs / name}" for flag, name in _FILES]
    (two_outputs / "base").write_text("ein Hund\n")
    status, message = failure(*flags)
    assert status == 1 and "40 lines and the baseline 1 (" in message
    flags[-1] = "--baseline="
    status, message = failure(*flags)
    assert status == 2 and "--baseline= is empty" in message
    flags[-1] = f"--baseline={two_outputs / 'hyp'}"
    monkeypatch.setenv("SACREBLEU_SEED", "seven")
    status, message = failure(*flags)
    assert status == 2 and "SACREBLEU_SEED='seven'" in message


@pytest.mark.parametrize("form", ["comma", "repeated"])
def test_several_references_from_standard_input(
    files, tmp_path, capsys, standard_input, form
):
    """The figure and signature that sacreBLEU's own command prints."""
    other = tmp_path / "other"
    other.write_text("Ein alter Weg dort hin.\n")
    references = [str(tmp_path / "ref"), str(other)]
    given = [f"--reference={path}" for path in references]
    if form == "comma":
        given = [f"--reference={','.join(references)}"]
    with standard_input(_HYPOTHESIS.encode()):
        assert t2t_bleu.main(given) == 0
    printed = capsys.readouterr().out
    said = subprocess.run(
        [sys.executable, "-m", "sacrebleu", *references]
        + ["-i", str(tmp_path / "hyp"), "-m", "bleu", "-w", "2"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    theirs = json.loads(said)
    digests = ",".join(
        hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
        for path in references
    )
    assert printed == (
        f"sacrebleu = {theirs['score']} {theirs['signature']}"
        f" reference sha256 {digests}\n"
    )


def test_a_name_with_a_comma_is_one_file(files, tmp_path, capsys):
    (tmp_path / "ref").rename(tmp_path / "ref,1")
    assert t2t_bleu.main([files[0], f"--reference={tmp_path / 'ref,1'}"]) == 0
    assert "sacrebleu = 53.73 nrefs:1|" in capsys.readouterr().out


def test_what_windows_adds_changes_no_figure(files, tmp_path, capsys):
    (tmp_path / "ref").write_bytes(
        b"\xef\xbb\xbf" + _REFERENCE.replace("\n", "\r\n").encode()
    )
    assert t2t_bleu.main([*files, "--language=de", "--t2t"]) == 0
    out, error = capsys.readouterr()
    assert out.startswith("sacrebleu = 53.73 ")
    assert "paper_bleu = 70.71" in out and "BLEU_cased =  70.71" in out
    assert error == (
        f"{tmp_path / 'ref'}: 1 lines end in CRLF, whose CR is no text; the"
        " byte-order mark in front is no text\n"
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "--reference=FILE or --test_set=NAME"),
        (["--translation="], "--translation= is empty"),
        (["--translation=x", "--reference=a,,b"], "a name that is empty"),
        (
            ["--translation=x", "--reference=y", "--language_pair=en-de"],
            "leave it out beside --reference",
        ),
        (["--translation=x", "--reference=y,z", "--t2t"], "one of y, z as"),
        (
            ["--translation=x", "--reference=y,z", "--language=de"],
            "--language ",
        ),
        (["--reference=-"], "so cannot the reference"),
        (
            ["--translation=x", "--reference=y", "--test_set=wmt14"],
            "either --reference",
        ),
        (
            ["--translation=x", "--test_set=wmt14"],
            "--language_pair is required",
        ),
        (
            [
                "--translation=x",
                "--reference=y",
                "--rewrite_reference_quotes",
            ],
            "add --language",
        ),
        (["--translaton=x"], "translaton"),
    ],
)
def test_wrong_usage(failure, arguments, named):
    status, message = failure(*arguments)
    assert status == 2
    assert named in message


def test_wrong_names_are_answered_with_the_right_ones(files, failure):
    status, message = failure(*files, "--language=dee")
    assert status == 2
    assert "Did you mean de?" in message
    translation = files[0]
    status, message = failure(
        translation, "--test_set=wmt14/ful", "--language_pair=en-de"
    )
    assert status == 2
    assert "Did you mean wmt14/full" in message
    status, message = failure(
        translation, "--test_set=wmt14/full", "--language_pair=en-xx"
    )
    assert status == 2
    assert "'en-xx'; it has" in message and "en-de" in message


def test_unequal_files(tmp_path, files, failure):
    (tmp_path / "hyp").write_text("a\nb\u2028c\x0bd\u0085e\nf\n")
    status, message = failure(*files)
    assert status == 1
    assert "the translation has 3 lines and the reference 1 (" in message


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b'<refset setid="x">\n<seg id="1">a</seg>\n', "SGM"),
        (b'<?xml version="1.0"?>\n<dataset/>\n', "XML"),
    ],
)
def test_markup_is_no_text(tmp_path, files, failure, content, named):
    path = tmp_path / "ref"
    path.write_bytes(content)
    status, message = failure(*files)
    assert status == 1
    assert str(path) in message
    assert named in message


def test_help_waits_for_no_library():
    program = (
        "import sys; from t2t_repro.bin.t2t_bleu import main;"
        "status = main(['--help']) + main(['--no_such_flag']) - 2;"
        "heavy = {'sacrebleu', 'sacremoses', 'numpy', 'tensorflow'};"
        "sys.exit(status or bool(heavy & set(sys.modules)))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "--rewrite_reference_quotes" in finished.stdout


def test_what_the_scripts_of_multi30k_print(shared, capsys):
    """The scripts themselves, on the oracle's text."""
    folder = shared("oracle/bleu")
    printed = json.loads((folder / "bleu_expected.de.json").read_text())
    arguments = [
        f"--translation={folder / 'bleu_hyp.de'}",
        f"--reference={folder / 'bleu_ref.de'}",
        "--language=de",
        "--json",
    ]
    assert t2t_bleu.main(arguments) == 0
    found = json.loads(capsys.readouterr().out)["multi30k_bleu"]
    score = f"BLEU = {found['score']:.2f}, "
    assert printed["tokenized_lc"].startswith(score)


def test_what_tensor2tensor_printed(shared, capsys):
    folder = shared("oracle/t2t/bleu")
    cases = json.loads((folder / "bleu.json").read_text())["files"]
    case = cases["real_decode100"]
    arguments = [
        f"--translation={folder / case['hyp']}",
        f"--reference={folder / case['ref']}",
        "--t2t",
    ]
    assert t2t_bleu.main(arguments) == 0
    assert capsys.readouterr().out.endswith(case["t2t_bleu_stdout"])
