"""The user's function that makes the cube from the opened sources."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import linecache
import traceback
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

import xarray as xr

from ...errors import CubeError
from ...spec import Prepare, Source
from .open import open_cube, open_cubes, opened_each

_FIELD = "prepare"


def open_prepared(sources: Sequence[Source | str], prepare: Prepare | None = None) -> xr.Dataset:
    """Open `sources` and return the one cube that a spec means by them.

    Parameters
    ----------
    sources : sequence of Source or str
    prepare : Prepare, optional
        Without it, several sources must lie on exactly the same cells.

    Raises
    ------
    CubeError
        What opening and :func:`apply_prepare` raise.
    """
    if prepare is None:
        return open_cube(sources[0]) if len(sources) == 1 else open_cubes(sources)
    return apply_prepare(prepare, opened_each(sources))


def apply_prepare(prepare: Prepare, datasets: Sequence[xr.Dataset]) -> xr.Dataset:
    """Call the function that `prepare` names with one Dataset per source.

    Parameters
    ----------
    prepare : Prepare
        A function by import path ``package.module:name``, or a name that its code defines.
    datasets : sequence of xarray.Dataset

    Returns
    -------
    xarray.Dataset
        What the function returned, without the ``source`` of its inputs: it is another cube.

    Raises
    ------
    CubeError
        ``prepare_not_found`` where there is no such function, ``prepare_failed`` where it
        raised (the line of the user's code is named) or returned anything but a cube.
    """
    function, file = _function(prepare)
    try:
        inspect.signature(function).bind(*datasets)
    except TypeError as error:
        raise CubeError(
            f"'{prepare.function}' does not take {len(datasets)} dataset(s): {error}.",
            hint="It is called with one Dataset per source, in their order.",
            code="prepare_failed",
            field=_FIELD,
        ) from None
    try:
        made = function(*datasets)
    except Exception as error:
        raise _failed(prepare, error, file) from error
    if not isinstance(made, xr.Dataset):
        raise _wrong(prepare, f"a {type(made).__name__}, not a Dataset")
    if not made.data_vars:
        raise _wrong(prepare, "a Dataset without variables")
    made = made.copy(deep=False)
    made.encoding = {}
    return made


def code_hash(prepare: Prepare) -> str | None:
    """Return the digest of the function's code, 16 hex digits; None where it cannot be found.

    Of an import path it is the source of the module that defines the function; modules that this
    one imports do not enter.
    """
    if prepare.code is not None:
        source: bytes | None = prepare.code.encode()
    else:
        source = _module_source(prepare.function.partition(":")[0])
    if source is None:
        return None
    digest = hashlib.blake2b(digest_size=8)
    for part in (prepare.function.encode(), source.replace(b"\r\n", b"\n")):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _module_source(name: str) -> bytes | None:
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin).read_bytes()


def _function(prepare: Prepare) -> tuple[Callable[..., Any], str]:
    """Return the function and the file that its lines are counted in."""
    if prepare.code is not None:
        return _from_code(prepare, prepare.code)
    module_name, separator, name = prepare.function.partition(":")
    if not separator:
        raise _not_found(prepare, "it names no module; write 'package.module:function'")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise _not_found(prepare, f"importing {module_name} failed ({_said(error)})") from error
    file = str(getattr(module, "__file__", ""))
    return _callable(prepare, getattr(module, name, None), module_name), file


def _from_code(prepare: Prepare, code: str) -> tuple[Callable[..., Any], str]:
    file = f"<prepare {hashlib.blake2b(code.encode(), digest_size=4).hexdigest()}>"
    # Tracebacks, ours and Python's own, show the lines of code that stands in no file.
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    names: dict[str, Any] = {"__name__": "mlkit_prepare"}
    try:
        exec(compile(code, file, "exec"), names)  # noqa: S102  (the user's own code)
    except Exception as error:
        raise _failed(prepare, error, file) from error
    return _callable(prepare, names.get(prepare.function), "its code"), file


def _callable(prepare: Prepare, found: Any, where: str) -> Callable[..., Any]:
    if not callable(found):
        reason = "has no such name" if found is None else "gives that name to no function"
        raise _not_found(prepare, f"{where} {reason}")
    return found  # type: ignore[no-any-return]


def _not_found(prepare: Prepare, reason: str) -> CubeError:
    return CubeError(
        f"The prepare function '{prepare.function}' was not found: {reason}.",
        hint="Name it as 'package.module:function', importable where the job runs, or give its "
        "code with the spec.",
        code="prepare_not_found",
        field=f"{_FIELD}.function",
    )


def _failed(prepare: Prepare, error: Exception, file: str) -> CubeError:
    return CubeError(
        f"The prepare function '{prepare.function}' failed{_place(error, file)}: {_said(error)}.",
        hint="Run it in a notebook on the opened sources to see more.",
        code="prepare_failed",
        field=_FIELD,
    )


def _wrong(prepare: Prepare, what: str) -> CubeError:
    return CubeError(
        f"The prepare function '{prepare.function}' returned {what}.",
        hint="Return an xarray.Dataset with target and features.",
        code="prepare_failed",
        field=_FIELD,
    )


def _place(error: Exception, file: str) -> str:
    """Return ' in line 3 (`x = y.z`)' of the user's code, empty where it is not in it."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return f" in line {error.lineno} (`{(error.text or '').strip()}`)"
    trace: TracebackType | None = error.__traceback__
    lines = [frame for frame in traceback.extract_tb(trace) if frame.filename == file]
    return f" in line {lines[-1].lineno} (`{lines[-1].line}`)" if lines else ""


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")[:300]
