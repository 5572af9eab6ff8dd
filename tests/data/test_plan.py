"""What --dry_run says."""

from t2t_repro.data import plan
from t2t_repro.data.problem import TextToTextProblem


class _Sources(TextToTextProblem):
    source_language = "en"
    target_language = "de"
    given: list[dict] = []

    def generate_samples(self, split, tmp_dir):
        yield "a", "b"

    def sources(self):
        return self.given


def _lines(tmp_path, *given):
    problem = _Sources("p", is_reversed=True)
    problem.given = list(given)
    return plan.lines(problem, tmp_path)


def test_nothing(tmp_path):
    assert _lines(tmp_path) == ["p_rev: 0 of 0 files to fetch"]


def test_each_file_once(tmp_path):
    (tmp_path / "b.gz").write_bytes(bytes(7_040_000))
    url = "http://example.com/"
    a = {"split": "train", "url": f"{url}a.tgz", "size": 1_540_000}
    dev = {"split": "dev", "url": f"{url}dev.tgz", "file": "wmt-dev.tgz"}
    b = {"split": "dev", "url": f"{url}b.gz"}
    assert _lines(tmp_path, a, {**a, "corpus": "other"}, dev, b) == [
        f"missing  1.5 MB  {url}a.tgz -> {tmp_path}/a.tgz",
        f"missing  size unknown  {url}dev.tgz -> {tmp_path}/wmt-dev.tgz",
        f"present  7.0 MB  {url}b.gz -> {tmp_path}/b.gz",
        "p_rev: 2 of 3 files to fetch, 1.5 MB and 1 of unknown size",
    ]


def test_what_the_user_gives(tmp_path):
    assert _lines(tmp_path, {"split": "train", "corpus": "LDC99T42"}) == [
        f"by hand  train: LDC99T42 -> {tmp_path}",
        "p_rev: 0 of 0 files to fetch",
    ]
