"""An unchanged store is not read twice, and a changed one is always seen."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from jupyter_mlkit.cubes.identity import cache as caching
from jupyter_mlkit.cubes.identity.cache import FileState, LeafCache, cache_path
from jupyter_mlkit.cubes.identity.fingerprint import Fingerprint, fingerprint
from jupyter_mlkit.cubes.identity.hashing import Found, Hasher

from ..made import small_cube

OLD_NS = 10**9 * 1_000_000_000


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "c.zarr"
    small_cube(gaps=0).to_zarr(path, zarr_format=3, consolidated=False)
    settle(path)
    return path


def chunk_files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("c/**/*") if file.is_file())


def settle(path: Path) -> None:
    for file in chunk_files(path):
        os.utime(file, ns=(OLD_NS, OLD_NS))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are hashed from now on."""
    found: list[str] = []
    hash_files = Hasher.hash

    def watched(hasher: Hasher, files: Sequence[tuple[str, int]]) -> list[Found]:
        found.extend(path for path, _ in files)
        return hash_files(hasher, files)

    monkeypatch.setattr(Hasher, "hash", watched)
    return found


def of(path: Path) -> Fingerprint:
    found = fingerprint(str(path))
    assert found.kind == "stored"
    return found


def test_a_second_time_reads_nothing(store: Path, read: list[str]) -> None:
    before = of(store)
    assert sorted(read) == [str(file) for file in chunk_files(store) if "/lat/" not in str(file)
                            and "/lon/" not in str(file) and "/time/" not in str(file)]  # fmt: skip
    read.clear()
    assert of(store) == before
    assert not read
    assert fingerprint(str(store), max_bytes=0) == before


def test_a_touched_file_is_read_again_and_is_the_same(store: Path, read: list[str]) -> None:
    before = of(store)
    file = next(file for file in chunk_files(store) if "/a/" in str(file))
    os.utime(file, ns=(OLD_NS, OLD_NS + 1))
    read.clear()
    assert of(store) == before
    assert read == [str(file)]


def test_a_change_of_the_same_size_with_another_time_is_seen(store: Path) -> None:
    before = of(store)
    file = next(file for file in chunk_files(store) if "/a/" in str(file))
    flip(file)
    os.utime(file, ns=(OLD_NS, OLD_NS + 1))
    assert of(store).digest != before.digest


def test_a_file_put_in_place_of_another_is_seen(store: Path) -> None:
    before = of(store)
    file = next(file for file in chunk_files(store) if "/a/" in str(file))
    other = file.with_name("other")
    other.write_bytes(file.read_bytes())
    flip(other)
    os.utime(other, ns=(OLD_NS, OLD_NS))
    other.rename(file)  # same size, same time: another inode
    assert of(store).digest != before.digest


def test_a_change_that_keeps_size_time_and_inode_is_not_seen(store: Path) -> None:
    """The documented limit: nothing but reading tells, and ``touch`` makes it read."""
    before = of(store)
    file = next(file for file in chunk_files(store) if "/a/" in str(file))
    flip(file)
    os.utime(file, ns=(OLD_NS, OLD_NS))
    assert of(store) == before
    os.utime(file)
    assert of(store).digest != before.digest


def test_a_file_that_was_just_written_is_not_remembered(store: Path, read: list[str]) -> None:
    file = next(file for file in chunk_files(store) if "/a/" in str(file))
    os.utime(file)
    of(store)
    read.clear()
    of(store)
    assert read == [str(file)]


def test_the_cache_is_private(store: Path, cache_folder: Path) -> None:
    of(store)
    assert cache_path() == cache_folder / "chunks.db"
    assert stat.S_IMODE(cache_path().stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"no database" * 1000])
def test_the_cache_is_disposable(store: Path, content: bytes) -> None:
    before = of(store)
    cache_path().write_bytes(content)
    assert of(store) == before
    cache_path().unlink()
    assert of(store) == before


def test_without_a_place_for_it_there_is_no_cache(
    store: Path, monkeypatch: pytest.MonkeyPatch, read: list[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(chunk_files(store)[0]))
    before = of(store)
    read.clear()
    assert of(store) == before
    assert read


def test_old_folders_are_forgotten_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "_MOST_ROWS", 25)
    rows = [(str(i), FileState(1, OLD_NS, i), b"x" * 64) for i in range(10)]
    with LeafCache() as cache:
        for name in "abc":
            cache.keep(tmp_path / name, rows)
        assert [len(cache.known(tmp_path / name)) for name in "abc"] == [0, 10, 10]


def test_several_threads_may_use_it_at_once(store: Path) -> None:
    found: list[Fingerprint] = []
    threads = [threading.Thread(target=lambda: found.append(of(store))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(map(str, found))) == 1
    assert len(found) == 4


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
