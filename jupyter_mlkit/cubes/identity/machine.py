"""Machine code for the hash: made by LLVM once, kept beside Python's own, loaded in a thread.

LLVM comes with numba, which itself is not imported: it would take longer than most stores take
to be hashed.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .cache import cache_path
from .parameters import BLOCK, FIRST

_ADDRESS = ctypes.c_void_p
_PROTOTYPE = ctypes.CFUNCTYPE(None, *[_ADDRESS] * 4, ctypes.c_uint64)
_SOURCE = Path(__file__).with_name("blake2.py")
_CHECKSUM = 32


@dataclass(frozen=True)
class Kernel:
    """Compresses blocks of as many streams as it has lanes, see :func:`.blake2.code_for`."""

    lanes: int
    compress: Callable[..., None]
    #: The code lives as long as this.
    engine: Any = field(repr=False)

    def agrees(self) -> bool:
        """Return whether it gives the digest that hashlib gives."""
        data = np.arange(self.lanes * BLOCK, dtype=np.uint8).reshape(self.lanes, BLOCK)
        state = np.repeat(np.array(FIRST, np.uint64)[:, None], self.lanes, axis=1)
        places = data.ctypes.data + np.arange(self.lanes, dtype=np.uint64) * np.uint64(BLOCK)
        counts = np.zeros(self.lanes, np.uint64)
        finals = ~counts
        words = (state, places, counts, finals)
        self.compress(*(array.ctypes.data for array in words), 1)
        found = [np.ascontiguousarray(lane).tobytes() for lane in state.T]
        return found == [hashlib.blake2b(block.tobytes()).digest() for block in data]


class _Loader:
    """Loads the kernels once in the life of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._kernels: tuple[Kernel, ...] = ()

    def start(self) -> threading.Thread:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._load, name="cube-hash-code")
                self._thread.start()
            return self._thread

    def widest(self, streams: int) -> Kernel | None:
        """Return the fastest kernel for so many streams; None where there is none (yet)."""
        if streams < 2:  # one lane alone is slower than hashlib
            return None
        fitting = [kernel for kernel in self._kernels if kernel.lanes <= streams]
        return fitting[-1] if fitting else next(iter(self._kernels), None)

    def _load(self) -> None:
        # Without LLVM, or where it may not make code, hashlib does all of it.
        with contextlib.suppress(ImportError, OSError, RuntimeError):
            self._kernels = _kernels()


LOADER = _Loader()


def is_kept() -> bool:
    """Return whether code was kept by an earlier process."""
    return any(True for folder in _folders() for _ in folder.glob("blake2-*.bin"))


def _kernels() -> tuple[Kernel, ...]:
    """Return kernels by their number of lanes, as many as agree with hashlib."""
    if sys.byteorder != "little":
        return ()
    from llvmlite import binding  # type: ignore[import-untyped, unused-ignore]

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    features = binding.get_host_cpu_features()
    # Registers of 512 bits are used where they are there, also by processors that avoid them.
    flags = f"{features.flatten()},-prefer-256-bit" if features.get("avx512f") else ""
    target = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=flags or features.flatten(),
        opt=2,
        reloc="pic",
        codemodel="jitdefault",
        jit=True,
    )
    widths = (4, 8) if flags else (4,)
    made_by = f"{binding.llvm_version_info} {target.triple} {target.target_data} {widths}"
    key = hashlib.blake2b(digest_size=8)
    for part in (made_by, binding.get_host_cpu_name(), features.flatten()):
        key.update(part.encode())
    key.update(_SOURCE.read_bytes())
    name = f"blake2-{key.hexdigest()}.bin"
    code = _kept(name)
    if code is None:
        from .blake2 import code_for

        code = target.emit_object(binding.parse_assembly(code_for(widths)))
        _keep(name, code)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    made = [
        Kernel(lanes, _PROTOTYPE(engine.get_function_address(f"compress_{lanes}")), engine)
        for lanes in widths
    ]
    return tuple(kernel for kernel in made if kernel.agrees())


def _folders() -> list[Path]:
    """Return where code is kept: beside Python's, else in the user's cache folder."""
    return [Path(__file__).parent / "__pycache__", cache_path().parent]


def _kept(name: str) -> bytes | None:
    for folder in _folders():
        with contextlib.suppress(OSError):
            held = (folder / name).read_bytes()
            if _checksum(held[_CHECKSUM:]) == held[:_CHECKSUM]:
                return held[_CHECKSUM:]
    return None


def _keep(name: str, code: bytes) -> None:
    for folder in _folders():
        own = folder / f"{name}.{os.getpid()}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            own.write_bytes(_checksum(code) + code)
            own.replace(folder / name)
        except OSError:
            continue
        return


def _checksum(code: bytes) -> bytes:
    return hashlib.blake2b(code, digest_size=_CHECKSUM).digest()
