"""What `t2t_repro` offers, for type checkers and editors."""

from t2t_repro.decode.loaded_run import load as load

__version__: str
