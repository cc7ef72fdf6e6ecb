"""Whether an archive of torch.export is only a graph of known operations and its weights.

``torch.export.load`` is made for files that one trusts: it unpickles tensors where the archive
says so, evaluates shapes and guards as Python, and finds functions by their dotted names. So a
file is let through only if each of its parts is on a list of what is harmless.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

#: Members of an archive, below its one top folder.
_MEMBERS = re.compile(
    r"(archive_format|archive_version|byteorder|\.data/(version|serialization_id)|"
    r"\.format_version|\.storage_alignment|models/model\.json|data/sample_inputs/model\.pt|"
    r"data/weights/(model_weights_config\.json|weight_\d+)|"
    r"data/constants/(model_constants_config\.json|tensor_\d+))"
)
#: What a call may name: operations on tensors and arithmetic on shapes.
_TARGETS = re.compile(
    r"torch\.ops\.aten\.\w+\.\w+|"
    r"_operator\.(add|sub|mul|floordiv|truediv|mod|neg|pow|getitem|eq|ne|lt|le|gt|ge|and_|or_)|"
    r"torch\.(sym_max|sym_min|sym_int|sym_float|sym_not)"
)
#: A shape: calls of these with numbers and symbols; sympy would evaluate anything.
_SHAPE_NAMES = {"Symbol", "Integer", "positive", "integer", "nonnegative", "True", "False"}
_SHAPE_NAMES |= {"Add", "Mul", "Mod", "Max", "Min", "Pow", "FloorDiv", "CleanDiv", "PythonMod"}
_SHAPE_NAMES |= {"CeilToInt", "Eq", "Ne", "Le", "Lt", "Ge", "Gt"}
_SYMBOL = re.compile(r"'[su]\d+'")
_SHAPE = re.compile(r"[\w\s(),=\-+*]*")
#: Names of values, weights and modules, devices, and the like: nothing that ends a string.
_NAME = re.compile(r"[\w.+:\-]{0,300}")
#: How arguments and results are nested, as JSON within the JSON.
_NESTING = re.compile(r'[\w\s."\[\]{}:,]*')
_NESTED_KINDS = frozenset({None, "builtins.tuple", "builtins.list", "builtins.dict"})


def refuse_code(archive: bytes) -> None:
    """Raise where loading or calling what `archive` holds could run code of its author.

    Raises
    ------
    ValueError
        With the first part that is not known to be harmless.
    """
    import torch

    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        names = members.namelist()
        tops = {name.partition("/")[0] for name in names}
        inner = [name.partition("/")[2] for name in names]
        odd = [name for name in inner if not _MEMBERS.fullmatch(name)]
        if len(tops) != 1 or odd or len(set(names)) != len(names):
            raise ValueError(f"the archive holds more than a graph: {(odd or names)[:3]}")
        (top,) = tops
        for kind in ("weights", "constants"):
            name = f"{top}/data/{kind}/model_{kind}_config.json"
            if name in names:
                _refuse_pickles(json.loads(members.read(name)))
        # torch falls back to full unpickling where this raises.
        examples = io.BytesIO(members.read(f"{top}/data/sample_inputs/model.pt"))
        torch.load(examples, weights_only=True)
        program = json.loads(members.read(f"{top}/models/model.json"))
    if program.get("guards_code"):
        raise ValueError("the graph brings guards, which are code")
    for path, text in _strings(program):
        _check(path, text)


def _refuse_pickles(config: Any) -> None:
    for entry in config["config"].values():
        if entry["use_pickle"] or not re.fullmatch(r"(weight|tensor)_\d+", entry["path_name"]):
            raise ValueError("the archive holds pickled tensors or objects")


def _strings(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each string with the keys that lead to it, and each key itself."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, "key"), key
            yield from _strings(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, path)
    elif isinstance(value, str):
        yield path, value


def _check(path: tuple[str, ...], text: str) -> None:
    last = path[-1]
    if "metadata" in path and last != "key":
        raise ValueError("the graph brings notes of its maker")
    if last == "target":
        good = _TARGETS.fullmatch(text) is not None
    elif last == "expr_str":
        good = _is_shape(text)
    elif last in ("in_spec", "out_spec"):
        good = _NESTING.fullmatch(text) is not None and _is_nesting(json.loads(text))
    elif last == "as_string":
        good = False
    else:
        good = _NAME.fullmatch(text) is not None and "__" not in text
    if not good:
        raise ValueError(f"the graph has {text[:80]!r} as its {last}")


def _is_shape(text: str) -> bool:
    rest = _SYMBOL.sub("", text)
    words = re.findall(r"[^\W\d]\w*", rest)
    return _SHAPE.fullmatch(rest) is not None and set(words) <= _SHAPE_NAMES


def _is_nesting(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_nesting, value))
    if isinstance(value, dict):
        known = value.get("type") in _NESTED_KINDS
        return known and all(map(_is_nesting, value.get("children_spec") or []))
    return isinstance(value, int)
