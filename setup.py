"""Packaging of t2t_repro: what it needs, what it installs, its commands.

The tools' settings are in pyproject.toml. requirements_lock.txt holds one set
of versions that was tested; Bazel uses it, pip does not need to. Not
installed: benchmarks/ and tests/.
"""

import pathlib
import re

from setuptools import find_packages, setup

_ROOT = pathlib.Path(__file__).parent

# Read, not imported: this runs where nothing of ours can be imported.
(_VERSION,) = re.findall(
    r'^__version__ = "(.+)"$',
    (_ROOT / "t2t_repro" / "__init__.py").read_text(encoding="utf-8"),
    re.MULTILINE,
)

setup(
    name="t2t_repro",
    version=_VERSION,
    description=(
        '"Attention Is All You Need" on TensorFlow 2 and Keras 3, used the way'
        " tensor2tensor was used"
    ),
    long_description=(_ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Text Processing :: Linguistic",
        "Typing :: Typed",
    ],
    python_requires=">=3.11,<3.14",
    package_data={
        "t2t_repro": ["*.pyi", "py.typed"],
        # What t2t-compare and t2t-visualize put into their pages.
        "t2t_repro.report": ["*.css", "*.html"],
        "t2t_repro.visualize": ["*.css", "*.html", "*.js"],
    },
    # Inside the package, so that they take no common name beside it.
    package_dir={
        "t2t_repro.problems": "problems",
        "t2t_repro.hparams": "hparams",
    },
    packages=[
        *find_packages(include=["t2t_repro", "t2t_repro.*"]),
        "t2t_repro.problems",
        "t2t_repro.hparams",
    ],
    install_requires=[
        "absl-py>=2.1,<3",
        # keras needs it too, and says so.
        "h5py",
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
        # For t2t-exporter --format=ctranslate2 and t2t-decoder
        # --engine=ctranslate2.
        "ctranslate2": ["ctranslate2>=4.8,<5"],
        "dev": [
            "hypothesis",
            # The kernel of the notebook.
            "ipykernel",
            "mkdocs",
            "mkdocs-jupyter",
            "mkdocs-material",
            "ml_dtypes",
            "mypy",
            "nbclient",
            "nbformat",
            "packaging",
            "pytest>=8",
            "pytest-xdist>=3.6",
            "ruff",
            "setuptools",
        ],
    },
    entry_points={
        "console_scripts": [
            "t2t-avg-all = t2t_repro.bin.t2t_avg_all:main",
            "t2t-bleu = t2t_repro.bin.t2t_bleu:main",
            "t2t-compare = t2t_repro.bin.t2t_compare:main",
            "t2t-datagen = t2t_repro.bin.t2t_datagen:main",
            "t2t-decoder = t2t_repro.bin.t2t_decoder:main",
            "t2t-demo = t2t_repro.bin.t2t_demo:main",
            "t2t-exporter = t2t_repro.bin.t2t_exporter:main",
            "t2t-import-checkpoint = t2t_repro.bin.t2t_import_checkpoint:main",
            "t2t-parseval = t2t_repro.bin.t2t_parseval:main",
            "t2t-report = t2t_repro.bin.t2t_report:main",
            "t2t-shortlist = t2t_repro.bin.t2t_shortlist:main",
            "t2t-trainer = t2t_repro.bin.t2t_trainer:main",
            "t2t-translate = t2t_repro.bin.t2t_translate:main",
            "t2t-translate-all = t2t_repro.bin.t2t_translate_all:main",
            "t2t-visualize = t2t_repro.bin.t2t_visualize:main",
        ],
    },
)
