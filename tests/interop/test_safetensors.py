"""The reader and writer of safetensors files."""

import json
import struct

import numpy as np
import pytest

from t2t_repro.errors import InputError
from t2t_repro.interop import safetensors


def file_of(header, numbers=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + numbers


def entry(kind, shape, begin, end):
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


def test_every_type(tmp_path):
    """1.5 in each; bfloat16 is the upper half of a float32: 0x3fc0."""
    path = tmp_path / "x"
    numbers = struct.pack("<f", 1.5) + struct.pack("<e", 1.5) + b"\xc0\x3f"
    path.write_bytes(
        file_of(
            {
                "__metadata__": {"format": "pt"},
                "a": entry("F32", [1], 0, 4),
                "b": entry("F16", [1, 1], 4, 6),
                "c": entry("BF16", [], 6, 8),
                "d": entry("F32", [0, 3], 8, 8),
            },
            numbers,
        )
    )
    found = safetensors.read(path)
    assert {n: float(t.sum()) for n, t in found.items()} == {
        "a": 1.5,
        "b": 1.5,
        "c": 1.5,
        "d": 0.0,
    }
    assert [t.shape for t in found.values()] == [(1,), (1, 1), (), (0, 3)]
    assert found["c"].dtype == np.float32


def test_what_is_written_is_read(tmp_path):
    tensors = {
        "b": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "a": np.array(0.1, np.float32),
    }
    safetensors.write(tmp_path / "x", tensors)
    found = safetensors.read(tmp_path / "x")
    assert list(found) == ["a", "b"]
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(found[name], tensor)
    # Numbers begin where 8 divides.
    (length,) = struct.unpack("<Q", (tmp_path / "x").read_bytes()[:8])
    assert length % 8 == 0


@pytest.mark.parametrize(
    "content, says",
    [
        (b"", "it has 0 bytes"),
        (struct.pack("<Q", 2**63) + b"{}", "its header has"),
        (struct.pack("<Q", 10) + b"{}", "its header has 10 bytes"),
        (file_of(b"{"), "is not JSON"),
        (file_of(b"[]"), "a JSON object"),
        (file_of(b'{"a":' * 5000 + b"1" + b"}" * 5000), "is not JSON"),
        (file_of({"a": 5}), "it says 5 of 'a'"),
        (file_of({"a": entry("F32", ["1"], 0, 4)}, b"0000"), "of 'a'"),
        (file_of({"a": entry("F32", [-1], 0, 4)}, b"0000"), "of 'a'"),
        (file_of({"a": entry("F32", [True], 0, 4)}, b"0000"), "of 'a'"),
        (file_of({"a": entry("F8_E4M3", [4], 0, 4)}, b"0000"), "float32"),
        (file_of({"a": entry("F32", [1] * 99, 0, 4)}, b"0000"), "99 axes"),
        (file_of({"a": entry("F32", [2], 0, 4)}, b"0000"), "from 0 to 4"),
        (file_of({"a": entry("F32", [10**30], 0, 4)}, b"0000"), "from 0 to 4"),
        (file_of({"a": entry("F32", [1], 4, 8)}, b"0" * 8), "begins at 4"),
        (file_of({"a": entry("F32", [1], 0, 4)}), "it has 0"),
        (file_of({"a": entry("F32", [1], 0, 4)}, b"0" * 5), "it has 5"),
        (
            file_of(
                {
                    "a": entry("F32", [1], 0, 4),
                    "b": entry("F32", [1], 0, 4),
                },
                b"0000",
            ),
            "begins at 0, not 4",
        ),
    ],
)
def test_damage_is_one_sentence(tmp_path, content, says):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        safetensors.read(path)
