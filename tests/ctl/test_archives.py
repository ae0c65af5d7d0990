"""A backup is taken as it was made, or not at all."""

import gzip
import hashlib
import io
import json
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ctl.archives import FORMAT, Manifest, entry_of, pack, unpack
from shared.errors import Code, Fault

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(data)
    return info, data


def manifest(*files: tuple[str, bytes], **more: Any) -> Member:  # noqa: ANN401  # JSON
    entries = [{"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for path, data in files]
    told = {"format": FORMAT, "version": "1", "created": "now", "state": "/x", "files": entries} | more
    return member("manifest.json", json.dumps(told).encode())


def archive(path: Path, *members: Member) -> Path:
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return path


def test_what_is_packed_is_unpacked(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    files = {"hostd/audit/head": b"x", "api/keys/seal": bytes(32), "config/hostel.toml": b"", "uid-mark": b"1 2\n"}
    for path, data in files.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(data)
    paths = ["api/keys/seal", "config/hostel.toml", "hostd/audit/head", "uid-mark"]
    told = Manifest(FORMAT, "1", "now", "/x", [entry_of(source, path) for path in paths])
    with (tmp_path / "a").open("wb") as out:
        pack(out, source, told)
    target.mkdir()
    assert told == unpack(tmp_path / "a", target)
    assert paths == sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert {0o600} == {path.stat().st_mode & 0o777 for path in target.rglob("*") if path.is_file()}


GOOD = ("hostd/master.key", b"key")
HOSTILE: dict[str, Callable[[], tuple[Member, ...]]] = {
    "empty": tuple,
    "no manifest": lambda: (member(*GOOD),),
    "manifest later": lambda: (member(*GOOD), manifest(GOOD)),
    "another format": lambda: (manifest(GOOD, format=2), member(*GOOD)),
    "unknown field": lambda: (manifest(GOOD, more=1), member(*GOOD)),
    "no json": lambda: (member("manifest.json", b"{"),),
    "manifest is a link": lambda: (member("manifest.json", kind=tarfile.SYMTYPE, link="/etc/passwd"),),
    "up": lambda: (manifest(("hostd/../../x", b"")), member("hostd/../../x")),
    "dot": lambda: (manifest(("hostd/./x", b"")), member("hostd/./x")),
    "absolute": lambda: (manifest(("/etc/cron.d/x", b"")), member("/etc/cron.d/x")),
    "elsewhere": lambda: (manifest(("homes/x", b"")), member("homes/x")),
    "newline": lambda: (manifest(("hostd/x\n", b"")), member("hostd/x\n")),
    "too deep": lambda: (manifest(("hostd/a/b/c/d/e", b"")), member("hostd/a/b/c/d/e")),
    "twice in the manifest": lambda: (manifest(GOOD, GOOD), member(*GOOD)),
    "twice in the archive": lambda: (manifest(GOOD), member(*GOOD), member(*GOOD)),
    "not in the manifest": lambda: (manifest(GOOD), member(*GOOD), member("hostd/more")),
    "missing": lambda: (manifest(GOOD, ("hostd/x", b"")), member(*GOOD)),
    "a link": lambda: (manifest(("hostd/x", b"")), member("hostd/x", kind=tarfile.SYMTYPE, link="/etc/passwd")),
    "a hard link": lambda: (manifest(GOOD, ("hostd/x", b"")), member(*GOOD), member("hostd/x", b"", tarfile.LNKTYPE, GOOD[0])),
    "a fifo": lambda: (manifest(("hostd/x", b"")), member("hostd/x", kind=tarfile.FIFOTYPE)),
    "a device": lambda: (manifest(("hostd/x", b"")), member("hostd/x", kind=tarfile.CHRTYPE)),
    "a folder": lambda: (manifest(("hostd/x", b"")), member("hostd/x", kind=tarfile.DIRTYPE)),
    "another size": lambda: (manifest(GOOD), member(GOOD[0], b"longer")),
    "other bytes": lambda: (manifest(GOOD), member(GOOD[0], b"kez")),
    "negative": lambda: (manifest(files=[{"path": "hostd/x", "size": -1, "sha256": ""}]),),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_backup_is_refused(tmp_path: Path, name: str) -> None:
    target = tmp_path / "out/target"
    target.mkdir(parents=True)
    with pytest.raises(Fault) as caught:
        unpack(archive(tmp_path / "a", *HOSTILE[name]()), target)
    assert Code.BAD_REQUEST == caught.value.code
    assert ["target"] == [path.name for path in (tmp_path / "out").iterdir()]
    assert not [path for path in target.rglob("*") if path.is_symlink()]


def test_one_that_is_larger_than_the_disk_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    told = manifest(files=[{"path": "hostd/x", "size": 2**60, "sha256": ""}])
    with pytest.raises(Fault) as caught:
        unpack(archive(tmp_path / "a", told), tmp_path)
    assert Code.TOO_LARGE == caught.value.code
    assert ["a"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("before", [(), (manifest(GOOD), member(*GOOD))])
def test_a_header_of_any_size_is_not_read_into_memory(tmp_path: Path, before: tuple[Member, ...], kind: bytes) -> None:
    """A gigabyte of it takes a few megabytes of gzip."""
    header = tarfile.TarInfo("x")
    header.type, header.size = kind, 64 * 1024 * 1024
    path = archive(tmp_path / "a", *before)
    content = gzip.decompress(path.read_bytes()).rstrip(b"\0")
    content += bytes(-len(content) % 512)
    path.write_bytes(gzip.compress(content + header.tobuf() + bytes(header.size), 1))
    (tmp_path / "out").mkdir()
    tracemalloc.start()
    try:
        with pytest.raises(Fault, match="too large"):
            unpack(path, tmp_path / "out")
        assert tracemalloc.get_traced_memory()[1] < 48 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("keep", [0, 1, 20, -1])
def test_a_file_that_was_cut_or_is_something_else_is_refused(tmp_path: Path, keep: int) -> None:
    path = archive(tmp_path / "a", manifest(GOOD), member(*GOOD))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(Fault, match="not a backup"):
        unpack(path, tmp_path)
    with gzip.open(path, "ab") as packed:
        packed.write(bytes(10_000_000))
    with pytest.raises(Fault, match="not a backup"):
        unpack(path, tmp_path)
    with pytest.raises(Fault) as caught:
        unpack(tmp_path / "none", tmp_path)
    assert Code.NOT_FOUND == caught.value.code
