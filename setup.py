"""Packaging of t2t_repro: what it needs, what it installs, its commands.

The tools' settings are in pyproject.toml. requirements_lock.txt holds one set
of versions that was tested; Bazel uses it, pip does not need to.
"""

from setuptools import find_packages
from setuptools import setup

setup(
    name="t2t_repro",
    version="0.1.0",
    description=(
        '"Attention Is All You Need" on TensorFlow 2 and Keras 3, used the way'
        " tensor2tensor was used"
    ),
    python_requires=">=3.11,<3.14",
    package_data={
        "t2t_repro": ["*.pyi"],
        # What t2t-visualize puts into its page.
        "t2t_repro.visualize": ["*.css", "*.js"],
    },
    packages=find_packages(
        include=[
            f"{name}{rest}"
            for name in ("t2t_repro", "problems", "hparams", "benchmarks")
            for rest in ("", ".*")
        ]
    ),
    install_requires=[
        "absl-py>=2.1,<3",
        # tensorflow-datasets imports it and does not declare it.
        "importlib_resources",
        "keras>=3.15,<3.16",
        "numpy>=1.26",
        # tensorboard needs it too, and says so.
        "pillow",
        "sacrebleu>=2.6,<3",
        "sacremoses",
        "sentencepiece",
        # tf.summary refuses to write without it; TensorFlow does not declare
        # it.
        "tensorboard>=2.20,<3",
        "tensorflow>=2.21,<2.22",
        "tensorflow-datasets>=4.9.10,<5",
        # 2.21.0 breaks its own tokenizers.
        "tensorflow-text>=2.21.1,<2.22",
        "tqdm",
    ],
    extras_require={
        # For t2t-exporter --format=ctranslate2.
        "ctranslate2": ["ctranslate2>=4.8,<5"],
        "dev": [
            "hypothesis",
            "mkdocs",
            "ml_dtypes",
            "mypy",
            "packaging",
            "pytest>=8",
            "ruff",
            "setuptools",
        ],
    },
    entry_points={
        "console_scripts": [
            "t2t-avg-all = t2t_repro.bin.t2t_avg_all:main",
            "t2t-bleu = t2t_repro.bin.t2t_bleu:main",
            "t2t-datagen = t2t_repro.bin.t2t_datagen:main",
            "t2t-decoder = t2t_repro.bin.t2t_decoder:main",
            "t2t-demo = t2t_repro.bin.t2t_demo:main",
            "t2t-exporter = t2t_repro.bin.t2t_exporter:main",
            "t2t-import-checkpoint = t2t_repro.bin.t2t_import_checkpoint:main",
            "t2t-parseval = t2t_repro.bin.t2t_parseval:main",
            "t2t-report = t2t_repro.bin.t2t_report:main",
            "t2t-trainer = t2t_repro.bin.t2t_trainer:main",
            "t2t-translate = t2t_repro.bin.t2t_translate:main",
            "t2t-translate-all = t2t_repro.bin.t2t_translate_all:main",
            "t2t-visualize = t2t_repro.bin.t2t_visualize:main",
        ],
    },
)
