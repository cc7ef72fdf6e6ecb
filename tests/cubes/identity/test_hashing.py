"""Fast ways to the digests of hashlib."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlkit.cubes.identity import hashing, machine
from jupyter_mlkit.cubes.identity.cache import FileState
from jupyter_mlkit.cubes.identity.hashing import FileDigest, Hasher
from jupyter_mlkit.cubes.identity.lanes import Lanes
from jupyter_mlkit.cubes.identity.machine import LOADER, Kernel

PIECE = 2**18
EDGES = (1, 127, 128, 129, 256, PIECE - 1, PIECE, PIECE + 1, PIECE + 128, 2 * PIECE, 600_001)


@pytest.fixture
def kernels() -> tuple[Kernel, ...]:
    LOADER.start().join(60)
    found = [LOADER.widest(streams) for streams in (2, 1000)]
    assert None not in found
    return tuple(kernel for kernel in found if kernel is not None)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    rng = random.Random(3)
    sizes = [*EDGES, *(rng.randrange(1, 300_000) for _ in range(24))]
    rng.shuffle(sizes)
    paths = [tmp_path / str(number) for number in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        path.write_bytes(rng.randbytes(size))
    return paths


def expected(path: Path) -> FileDigest:
    return FileDigest(hashlib.blake2b(path.read_bytes()).digest(), FileState.of(path.stat()))


def test_lanes_give_the_digests_of_hashlib(kernels: tuple[Kernel, ...], files: list[Path]) -> None:
    for kernel in kernels:
        found: dict[int, FileDigest] = {}

        def done(number: int, digest: bytes, state: FileState, found: dict = found) -> None:
            found[number] = FileDigest(digest, state)

        waiting = ((number, str(path)) for number, path in enumerate(files))
        Lanes(kernel).hash(waiting, done, pytest.fail)
        assert [found[number] for number in range(len(files))] == list(map(expected, files))


def test_what_lanes_cannot_hash_is_handed_back(
    kernels: tuple[Kernel, ...], files: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "empty").touch()
    odd = [tmp_path / "missing", tmp_path, tmp_path / "empty"]
    for kernel in kernels:
        done, failed = [], []
        named = enumerate(map(str, [files[0], *odd, files[1]]))
        Lanes(kernel).hash(named, lambda number, *_, done=done: done.append(number), failed.append)
        assert (sorted(done), sorted(failed)) == ([0, 4], [1, 2, 3])


def test_a_file_that_changes_while_it_is_read_is_handed_back(
    kernels: tuple[Kernel, ...], tmp_path: Path
) -> None:
    for kernel in kernels:
        paths = [tmp_path / f"{kernel.lanes} {number}" for number in range(3)]
        for path in paths:
            path.write_bytes(bytes(10 * PIECE))

        def change(paths: list[Path] = paths) -> Iterator[tuple[int, str]]:
            """Change files when the last of them is asked for: they are open, and half read."""
            yield 0, str(paths[0])
            yield 1, str(paths[1])
            paths[0].write_bytes(b"short")
            paths[1].write_bytes(bytes(20 * PIECE))
            yield 2, str(paths[2])

        done, failed = [], []
        Lanes(kernel).hash(
            change(), lambda number, *_, done=done: done.append(number), failed.append
        )
        assert (done, sorted(failed)) == ([2], [0, 1])


@pytest.mark.parametrize("small", [2**15, 2**40])
def test_a_hasher_finds_the_digest_of_each_file(
    kernels: tuple[Kernel, ...],
    files: list[Path],
    tmp_path: Path,
    small: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hashing, "_SMALL", small)
    (tmp_path / "empty").touch()
    paths = [*files[:5], tmp_path / "missing", tmp_path, tmp_path / "empty", *files[5:]]
    sizes = [path.stat().st_size if path.exists() else 10**6 for path in paths]
    with Hasher() as hasher:
        found = hasher.hash([(str(path), size) for path, size in zip(paths, sizes, strict=True)])
        assert hasher.hash([]) == []
    assert found == [expected(path) if path.is_file() else None for path in paths]


def test_code_is_kept_and_made_again_where_it_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked, folder = tmp_path / "file", tmp_path / "folder"
    blocked.touch()
    monkeypatch.setattr(machine, "_folders", lambda: [blocked, folder])
    assert not machine.is_kept()
    lanes = [kernel.lanes for kernel in machine._kernels()]
    assert lanes[0] == 4
    (kept,) = folder.iterdir()
    assert machine.is_kept()
    code = kept.read_bytes()
    kept.write_bytes(code[:-100])
    assert [kernel.lanes for kernel in machine._kernels()] == lanes
    assert kept.read_bytes() == code


def test_code_that_gives_other_digests_is_not_used(kernels: tuple[Kernel, ...]) -> None:
    def broken(*_: int) -> None:
        """Compress nothing."""

    assert all(kernel.agrees() for kernel in kernels)
    assert not Kernel(4, broken, None).agrees()
