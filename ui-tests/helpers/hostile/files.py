"""Artifacts of every type, and our own records of a run, made of the texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from texts import HOSTILE, IMG, LINES, TEXTS, Fields

RICH = ("text/html", "image/svg+xml", "text/markdown", "text/latex", "application/javascript")
#: Types of which each text has a file of its own.
TYPES = ("html", "svg", "xml", "ipynb", "md", "yaml", "csv", "json", "txt", "png")


def together() -> dict[str, str]:
    """Return the content of one file of each type that holds all texts."""
    quoted = [text.replace('"', '""') for text in TEXTS]
    return {
        "html": f"<!doctype html><body>{LINES}",
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg">{LINES}</svg>',
        "xml": f"<?xml version='1.0'?>{HOSTILE['xml stylesheet']}<a>{LINES}</a>",
        "ipynb": _notebook([cell for text in TEXTS for cell in _cells(text)]),
        "md": "\n\n".join(TEXTS),
        "yaml": "\n".join(f"- {text}\n- {json.dumps(text)}" for text in TEXTS),
        "csv": "\n".join(f'"{text}",{text}' for text in quoted),
        "json": json.dumps({text: [text, {text: text}] for text in TEXTS}),
        "txt": LINES,
        # Of a wrong type, in two ways: a page that is named a picture, and one that begins as one.
        "png": f"<!doctype html>{LINES}",
        "gif": f"GIF89a/*<!doctype html>{LINES}",
        "js": "__xss='a script among the artifacts'\n" + LINES,
        "css": f'@import "http://xss.example/css";\n{LINES}',
        "pdf": f"%PDF-1.4 {LINES}",
    }


def alone(kind: str, text: str) -> str:
    """Return the content of a file of a type that holds one text."""
    if kind == "json":
        return json.dumps({text: text})
    if kind == "csv":
        return f"name,value\n{text},{text}\n"
    if kind == "ipynb":
        return _notebook([{"cell_type": "markdown", "metadata": {}, "source": text}])
    if kind == "svg":
        return f'<svg xmlns="http://www.w3.org/2000/svg">{text}</svg>'
    return text


def _notebook(cells: list[dict[str, Any]]) -> str:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def _cells(text: str) -> Iterator[dict[str, Any]]:
    for kind in ("markdown", "raw"):
        yield {"cell_type": kind, "metadata": {}, "source": text}
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": dict.fromkeys(RICH, text)},
        {"output_type": "stream", "name": "stdout", "text": text},
        {"output_type": "error", "ename": text, "evalue": text, "traceback": [text]},
    ]
    yield {
        "cell_type": "code",
        "metadata": {},
        "source": text,
        "execution_count": None,
        "outputs": outputs,
    }


def file_name(text: str) -> str:
    """Return a text as a path of an artifact: a slash begins a file in a folder."""
    return re.sub(r"/+", "/", re.sub(r"[\x00-\x1f\x7f]", " ", text)).strip("/")[:200]


def artifacts(fields: Fields) -> dict[str, str]:
    """Return files by path that are named, filled and nested as the texts are."""
    files: dict[str, str] = {}
    for kind, content in together().items():
        files[f"all/all.{kind}"] = content
        fields.put_all(f"artifact.{kind}")
    for number, text in enumerate(TEXTS):
        files |= {f"types/{kind}/{number}.{kind}": alone(kind, text) for kind in TYPES}
        files[f"names/{number}/{file_name(text)}"] = fields.put("artifact.path", text)
    return files | _maps(files) | _records(fields)


def _maps(files: dict[str, str]) -> dict[str, str]:
    return {
        "maps/worst.png": files["all/all.png"],
        "maps/median.png": files["all/all.gif"],
        "maps/split.png": files["all/all.svg"],
    }


def _records(fields: Fields) -> dict[str, str]:
    fields.put_all("record.scores", "record.split", "record.leakage", "record.scaling")
    interval = {"estimate": 1.0, "low": 0.5, "high": 2.0, "n_blocks": 9}
    records: dict[str, Any] = {
        "spec.yaml": spec_of([IMG], fields),
        "scores.json": {"validation": {"intervals": dict.fromkeys(TEXTS, interval)}},
        "split.json": {
            "counts": [{"role": text, "cells": 1, "share": 0.1} for text in TEXTS],
            **{text: text for text in TEXTS},
        },
        "leakage.json": {text: [text] for text in TEXTS},
        "scaling.json": {
            "kind": LINES,
            "variables": {text: {"offset": 0.0, "scale": 1.0} for text in TEXTS},
        },
    }
    return {f"mlkit/{name}": json.dumps(record) for name, record in records.items()}


def spec_of(texts: Sequence[str], fields: Fields) -> dict[str, Any]:
    """Return a spec with `texts` in each field that takes one, all where it takes several."""
    fields.put_all("spec.features", "spec.model.params", "spec.tracking.tags")
    one = {
        name: " ".join(fields.put(f"spec.{name}", text) for text in texts)
        for name in ("endpoint_url", "profile", "target", "mask", "class", "experiment", "run_name")
    }
    return {
        "sources": [
            {
                "uri": "hostile.zarr",
                "options": {"endpoint_url": one["endpoint_url"], "profile": one["profile"]},
            }
        ],
        "prepare": {"function": "ran", "code": "open('ran-from-a-run', 'w')\nran = 1"},
        "target": one["target"],
        "features": [other[:500] for other in TEXTS if other not in texts],
        "mask": one["mask"],
        "split": {"kind": "random"},
        "model": {"class": one["class"], "params": {other: other for other in TEXTS}},
        "tracking": {
            "experiment": one["experiment"],
            "run_name": one["run_name"],
            "tags": {other: other for other in TEXTS},
        },
        "kernelspec": "python3",
    }
