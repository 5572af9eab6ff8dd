"""The archives of the Workshops on Statistical Machine Translation.

Bytes and SHA-256 are those that TensorFlow Datasets keeps of the same
addresses; of the one that it does not know they are None, and the hash of the
file used is recorded in `<problem>.json`.
"""

from t2t_repro.data.download import RemoteFile

_STATMT = "http://www.statmt.org/"
_DATA_STATMT = "http://data.statmt.org/"


def _archive(
    server: str,
    path: str,
    size: int | None,
    sha256: str | None,
    name: str | None = None,
) -> RemoteFile:
    url = server + path
    return RemoteFile(url, name or path.rsplit("/", 1)[-1], sha256, size)


EUROPARL_V7 = _archive(
    _STATMT,
    "wmt13/training-parallel-europarl-v7.tgz",
    657_632_379,
    "0224c7c710c8a063dfd893b0cc0830202d61f4c75c17eb8e31836103d27d96e7",
)
COMMON_CRAWL = _archive(
    _STATMT,
    "wmt13/training-parallel-commoncrawl.tgz",
    918_311_367,
    "c7a74e2ea01ac6c920123108627e35278d4ccb5701e15428ffa34de86fa3a9e5",
)
UNITED_NATIONS = _archive(
    _STATMT,
    "wmt13/training-parallel-un.tgz",
    2_365_634_246,
    "29141b5c1eba149a94f7a59d3b1a834b2e47fe0f8758d68dcd77a3d3f497ee47",
)
GIGA_FREN = _archive(
    _STATMT,
    "wmt10/training-giga-fren.tar",
    2_595_102_720,
    "3ff8319f6919393520559bfbc7ad6a747ec81b3abc7be9993b338d4b017b4d9a",
)
NEWS_COMMENTARY_V9 = _archive(
    _STATMT,
    "wmt14/training-parallel-nc-v9.tgz",
    80_418_416,
    "cb8953f292298e6877ae433c98912b927cb0766b303f4540512ddd286c748485",
)
NEWS_COMMENTARY_V13 = _archive(
    _DATA_STATMT,
    "wmt18/translation-task/training-parallel-nc-v13.tgz",
    113_157_482,
    "17992b7e919cfb754c60f4e754148bc23b80706ad0ed7b34150831a554b40c91",
)
# Both are called dev.tgz and differ, so each has a name of its own here.
DEV_2017 = _archive(
    _DATA_STATMT,
    "wmt17/translation-task/dev.tgz",
    None,
    None,
    name="wmt17-dev.tgz",
)
DEV_2019 = _archive(
    _DATA_STATMT,
    "wmt19/translation-task/dev.tgz",
    38_654_961,
    "7a7deccf82ebb05ba508dba5eb21356492224e8f630ec4f992132b029b4b25e7",
    name="wmt19-dev.tgz",
)
