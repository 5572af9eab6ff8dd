"""Problems: what can be translated. No TensorFlow at import."""

from problems import parsing as parsing
from problems import translate_from_files as translate_from_files
from problems import translate_multi30k as translate_multi30k
from problems import translate_toy as translate_toy
from problems import translate_wmt as translate_wmt
from problems import translate_wmt14 as translate_wmt14
