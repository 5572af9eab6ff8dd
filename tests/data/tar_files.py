"""Small real archives for tests."""

import gzip
import io
import pathlib
import tarfile


def write(path: pathlib.Path, members: dict[str, bytes]) -> pathlib.Path:
    """Writes a `.tgz` (or `.tar`) with these files, in order."""
    mode = "w:gz" if path.suffix == ".tgz" else "w"
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            data = gzip.compress(content) if name.endswith(".gz") else content
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path
