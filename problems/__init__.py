"""Problems: what can be translated. No TensorFlow at import."""

from . import algorithmic as algorithmic
from . import babi as babi
from . import parsing as parsing
from . import translate_from_files as translate_from_files
from . import translate_multi30k as translate_multi30k
from . import translate_tatoeba as translate_tatoeba
from . import translate_toy as translate_toy
from . import translate_wmt as translate_wmt
from . import translate_wmt14 as translate_wmt14
