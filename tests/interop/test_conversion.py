"""What an importer hands to the trainer."""

import numpy as np

from t2t_repro.interop.conversion import Conversion


def test_moments_that_are_not_there_are_zeros():
    weight = np.array([1.0, 2.0], np.float32)
    given = Conversion(
        weights={"a": weight, "b": weight},
        moments={"adam/m/a": weight},
        step=7,
        sources={},
        ignored=[],
    )
    found = given.variables()
    np.testing.assert_array_equal(found["adam/m/a"], [1, 2])
    for name in ("adam/v/a", "adam/m/b", "adam/v/b"):
        np.testing.assert_array_equal(found[name], [0, 0])
    assert int(found["global_step"]) == 7
    assert {"a", "b", "data_position"} < found.keys()
