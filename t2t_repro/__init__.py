"""The paper's Transformer on TensorFlow 2, used as tensor2tensor was.

    import t2t_repro

    translator = t2t_repro.load(output_dir)
    translator("A man is riding a bicycle.")

Importing this package imports no TensorFlow: asking for `load` does. Its types
are in `__init__.pyi`, its words in `t2t_repro/decode/loaded_run.py`.
"""

import importlib
import pathlib
import sys
from typing import Any

__all__ = ["load"]
__version__ = "0.1.0"

# An installation has problems/ and hparams/ inside this package, a checkout has
# them beside it. Both are t2t_repro.problems and t2t_repro.hparams to Python,
# so that a user's own folder of such a name is never taken for ours.
_home = pathlib.Path(__file__).parent
if not (_home / "problems").is_dir():
    __path__.append(str(_home.parent))


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # By relative names: to the build, everything depends on this file, and
    # this file on nothing.
    if "tensorflow" not in sys.modules:
        importlib.import_module(".tensorflow_start", __name__).load()
    return getattr(
        importlib.import_module(".decode.loaded_run", __name__), name
    )
