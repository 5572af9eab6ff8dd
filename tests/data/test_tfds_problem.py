"""The true path through TensorFlow Datasets, without a network.

The real builder of WMT 2014 writes real records of a few sentences; then they
are read with nothing replaced.
"""

import errno
import os

import pytest

from t2t_repro.data import tfds_problem
from t2t_repro.errors import InputError
from tests.data import small_wmt14

_DATASET = "wmt14_translate/de-en:1.0.0"


def _pairs(data_dir, split="train", languages=("en", "de")):
    return list(tfds_problem.read_dataset(_DATASET, split, languages, data_dir))


def test_what_was_prepared_is_read(tmp_path):
    small_wmt14.prepare(_DATASET, tmp_path)
    pairs = _pairs(tmp_path)
    # Shuffled by TensorFlow Datasets, and always the same way.
    assert sorted(pairs) == small_wmt14.pairs("train", "en", "de")
    assert pairs != sorted(pairs)
    assert pairs == _pairs(tmp_path)
    assert _pairs(tmp_path, "test", ("de", "en")) == [
        (target, source) for source, target in _pairs(tmp_path, "test")
    ]


def test_a_damaged_record(tmp_path):
    small_wmt14.prepare(_DATASET, tmp_path)
    place = tfds_problem.dataset_folder(_DATASET, tmp_path)
    (path,) = place.glob("*train.tfrecord*")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        _pairs(tmp_path)
    message = str(raised.value)
    assert message.startswith(f"cannot read train of {_DATASET} in {place} (")
    assert "\n" not in message
    path.unlink()
    with pytest.raises(InputError, match="cannot read train of"):
        _pairs(tmp_path)


def test_no_network(tmp_path, monkeypatch):
    # The real download, through a proxy that nobody runs, without its pauses.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(InputError) as raised:
        _pairs(tmp_path)
    message = str(raised.value)
    place = tmp_path / "wmt14_translate" / "de-en" / "1.0.0"
    assert message.startswith(f"cannot make {_DATASET} (ProxyError: ")
    assert message.endswith(
        f" run `tfds build {_DATASET} --data_dir=DIR`, place"
        f" DIR/wmt14_translate/de-en/1.0.0 by hand at {place} and run this"
        " again."
    )
    assert "\n" not in message
    assert not place.exists()
    assert not list(tmp_path.rglob("*.tmp.*"))
    # Once it is placed by hand, nothing else is needed.
    small_wmt14.prepare(_DATASET, tmp_path)
    assert _pairs(tmp_path)


def test_a_full_disk(tmp_path, monkeypatch):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with (
        small_wmt14.patched(_DATASET, fails=full),
        pytest.raises(InputError, match=r"OSError: .*No space left on device"),
    ):
        _pairs(tmp_path)
    # The folder appears whole or not at all.
    assert not list(tmp_path.rglob("*.tfrecord*"))
    assert not list(tmp_path.rglob("*incomplete*"))
