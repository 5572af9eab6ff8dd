"""The whole path by its commands: generate, train, resume, average, decode."""

import re

from t2t_repro import checkpoints
from t2t_repro.bin import t2t_bleu, t2t_datagen, t2t_decoder, t2t_trainer
from t2t_repro.text.lines import read_lines

# Very short sentences, so that a tiny model learns them in a minute.
_NOUNS = {"dog": "Hund", "cat": "Katze", "bird": "Vogel", "fox": "Fuchs"}
_VERBS = {"sleeps": "schläft", "runs": "läuft", "sings": "singt"}
_NAMES = {"Anna": "Anna", "Bob": "Bob", "Eva": "Eva", "the man": "der Mann"}


def _corpus():
    """Forty-eight pairs: name, verb, place."""
    return [
        (f"{name} {verb} with a {noun} .", f"{de} {tut} mit {tier} .")
        for name, de in _NAMES.items()
        for verb, tut in _VERBS.items()
        for noun, tier in _NOUNS.items()
    ]


def test_generate_train_resume_average_decode_score(tmp_path, capsys):
    raw, data, run = (tmp_path / name for name in ("raw", "data", "run"))
    raw.mkdir()
    pairs = _corpus()
    for split, repeat in (("train", 20), ("dev", 1)):
        for side, name in enumerate(("src", "tgt")):
            text = "".join(f"{pair[side]}\n" for pair in pairs) * repeat
            (raw / f"{split}.{name}").write_text(text, encoding="utf-8")
    problem = "--problem=translate_from_files"
    assert (
        t2t_datagen.main([problem, f"--data_dir={data}", f"--tmp_dir={raw}"])
        == 0
    )
    train = [
        problem,
        f"--data_dir={data}",
        f"--output_dir={run}",
        "--hparams_set=transformer_tiny",
        "--hparams=hidden_size=64,filter_size=128,num_hidden_layers=1,"
        "batch_size=512,batch_shapes=1,learning_rate_warmup_steps=60",
        "--local_eval_frequency=60",
        "--eval_bleu_sentences=8",
    ]
    assert t2t_trainer.main([*train, "--train_steps=60"]) == 0
    assert (
        t2t_trainer.main([*train, "--train_steps=180", "--average_last=2"]) == 0
    )
    assert checkpoints.steps(run) == [60, 120, 180]

    source, output = raw / "dev.src", tmp_path / "out.tgt"
    decode = [f"--output_dir={run}", f"--decode_from_file={source}"]
    assert t2t_decoder.main([*decode, f"--decode_to_file={output}"]) == 0
    assert len(read_lines(output)) == len(pairs)
    capsys.readouterr()
    score = [f"--translation={output}", f"--reference={raw / 'dev.tgt'}"]
    assert t2t_bleu.main(score) == 0
    printed = capsys.readouterr().out
    bleu = re.match(r"sacrebleu = ([\d.]+) nrefs:1\|case:mixed", printed)
    assert bleu and float(bleu[1]) > 95.0
