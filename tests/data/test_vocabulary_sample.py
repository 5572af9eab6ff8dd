"""Which lines a vocabulary is learnt from."""

from t2t_repro.data.vocabulary_sample import EvenSample, as_tensor2tensor


def test_tensor2tensor_takes_all_of_a_small_file():
    # 9 bytes are less than twice the budget: nothing is skipped. The budget is
    # used up after the third line, as 2 + 2 + 2 >= 5.
    lines = [" ab ", "cd", "ef", "gh"]
    assert list(as_tensor2tensor(lines, 9, 5)) == ["ab", "cd", "ef"]


def test_tensor2tensor_skips_in_a_large_file_and_stops_half_way():
    # 60 lines of 4 bytes and a line end: 300 / 20 / 2 = 7.5, so 7 are skipped
    # before each: numbers 7, 15, 23, 31, 39; after five the budget of 20 is
    # gone.
    lines = [f"{number:04}" for number in range(60)]
    taken = list(as_tensor2tensor(lines, 300, 20))
    assert taken == ["0007", "0015", "0023", "0031", "0039"]


def test_even_sample_keeps_a_short_text():
    sample = EvenSample(budget=10)
    for line in ("ab", "cd", "", "ef"):
        sample.add(line)
    assert sample.lines == ["ab", "cd", "", "ef"]


def test_even_sample_thins_out_a_long_text():
    # At most 5 lines of 2 fit into 10: the distance doubles at the sixth
    # line kept: 1, 2 (at 05), 4 (at 10), 8 (at 20): 00 08 16 24 of 30.
    sample = EvenSample(budget=10)
    for number in range(30):
        sample.add(f"{number:02}")
    assert sample.lines == ["00", "08", "16", "24"]


def test_even_sample_of_one_line_above_the_budget():
    sample = EvenSample(budget=3)
    sample.add("a long line")
    assert sample.lines == ["a long line"]
