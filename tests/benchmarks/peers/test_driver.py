"""Programs in other environments: rounds on request, or a reason."""

import sys

import pytest
from absl import flags

from benchmarks.peers import driver

_PROGRAM = """
from benchmarks.peers import protocol

given = protocol.settings()
protocol.load(given["library"])
rounds = []

def one_round():
    print("libraries may print")
    rounds.append(1)
    if len(rounds) == given["breaks_at"]:
        raise ValueError("out of luck")

protocol.serve("1.2", one_round)
"""


@pytest.fixture
def wanted(monkeypatch, tmp_path):
    """A small peer, in a tree with nothing but the protocol."""
    folder = tmp_path / "benchmarks" / "peers"
    folder.mkdir(parents=True)
    (folder / "small.py").write_text(_PROGRAM)
    source = driver._ROOT / "benchmarks" / "peers" / "protocol.py"
    (folder / "protocol.py").write_bytes(source.read_bytes())
    monkeypatch.setattr(driver, "_ROOT", tmp_path)

    def make(library="json", breaks_at=0):
        settings = {"library": library, "breaks_at": breaks_at}
        return driver.Wanted("Small", "torch", "small", settings)

    return make


def test_rounds_on_request(wanted):
    peer = driver.Peer(sys.executable, wanted())
    try:
        assert peer.version == "1.2"
        assert peer.first_seconds >= 0
        assert [peer.round() >= 0, peer.round() >= 0] == [True, True]
    finally:
        peer.close()


def test_a_missing_library_is_a_reason(wanted):
    with pytest.raises(driver.Absent, match="no_such_library cannot be"):
        driver.Peer(sys.executable, wanted(library="no_such_library"))


def test_a_failure_is_told_by_its_last_line(wanted):
    with pytest.raises(driver.Absent, match="ValueError: out of luck"):
        driver.Peer(sys.executable, wanted(breaks_at=1))


def test_a_failure_between_rounds(wanted):
    # Two rounds come before it is ready.
    peer = driver.Peer(sys.executable, wanted(breaks_at=3))
    try:
        with pytest.raises(driver.Absent, match="ValueError: out of luck"):
            peer.round()
    finally:
        peer.close()


@pytest.mark.parametrize(
    ("python", "reason"),
    [("", "no --torch_python"), ("/no/python", "No such file")],
)
def test_absent_peers_are_skipped_with_a_word(wanted, capsys, python, reason):
    values = flags.FlagValues()
    driver.define_flags(values, ["torch"])
    values(["program", f"--torch_python={python}"])
    assert driver.start(values, [wanted()]) == {}
    assert f"Small: skipped, {reason}" in capsys.readouterr().err.replace(
        "/no/python: ", ""
    )


def test_the_environment_names_a_python(monkeypatch):
    monkeypatch.setenv("TORCH_PYTHON", "/some/python")
    values = flags.FlagValues()
    driver.define_flags(values, ["torch"])
    values(["program"])
    assert values.torch_python == "/some/python"
