"""The two classes of user errors, and the words "did you mean"."""

from t2t_repro import errors


def test_exit_statuses():
    assert errors.InputError("x").exit_status == 1
    assert errors.UsageError("x").exit_status == 2
    # Whoever handles a user's error handles both.
    assert issubclass(errors.UsageError, errors.InputError)


def test_one_two_and_three_suggestions():
    assert errors.nearest("bata", ["beta"]) == " Did you mean beta?"
    # Letters in common, twice over the lengths: 2 * 3 / 8 and 2 * 2 / 8.
    assert (
        errors.nearest("abcd", ["abce", "abxy"])
        == " Did you mean abce or abxy?"
    )
    # The best three of four.
    assert (
        errors.nearest("abcd", ["abxy", "abce", "abcd", "abc"])
        == " Did you mean abcd, abc or abce?"
    )


def test_fewer_on_request():
    known = ["abcd", "abce"]
    assert errors.nearest("abcd", known, count=1) == " Did you mean abcd?"


def test_nothing_close():
    # 2 * 1 / 8 letters in common is under one half.
    assert errors.nearest("abcd", ["axyz"]) == ""
    assert errors.nearest("abcd", []) == ""
