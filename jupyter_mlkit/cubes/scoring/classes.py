"""Scores of classifications by class, from area-weighted confusion matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import InvalidInputError
from .alignment import Weights
from .cube_pass import CubePass, Piece
from .groups import By
from .sums import Floats

#: More classes than this are a continuous variable.
MOST_CLASSES = 1024
#: Of all confusion matrices together.
_MOST_BYTES = 2**30


def class_scores(
    prediction: xr.DataArray,
    truth: xr.DataArray,
    classes: Sequence[float] | None = None,
    ignore_index: float | None = None,
    dim: str | Sequence[str] | None = None,
    by: By | Sequence[By] = (),
    weights: Weights = None,
    **which: Any,
) -> xr.Dataset:
    """Score a classification over all cells, or by groups, weighted by area.

    Parameters
    ----------
    prediction, truth : xarray.DataArray
        Numbers of classes on the same cells; NaN is missing.
    classes : sequence of number, optional
        All classes that there are. Where not given, ``flag_values`` of the truth (or of the
        prediction); else those that occur, for which everything is read once more.
    ignore_index : number, optional
        Cells with this truth do not count; to predict it elsewhere is an error like any other.
    dim, by, weights
        As in :func:`.score.score`: ``dim="time"`` gives maps, ``by`` regions or seasons.
    **which
        ``split`` and ``role``, as in :func:`.score.score`.

    Returns
    -------
    xarray.Dataset
        Over the dims that are kept and the groups. By ``class`` (named by ``flag_meanings``, with
        ``number`` and, from ``flag_colors``, ``color``): ``precision``, ``recall``, ``f1``,
        ``iou``, ``support`` (weight of the truth); ``confusion`` over ``class`` (the truth) and
        ``class_predicted``, in weight. Over all classes: ``accuracy``, ``balanced_accuracy``,
        ``f1_macro``, ``iou_mean``, ``n``, ``weight``. What is not defined is NaN: the recall of
        a class that does not occur, the precision of one that is never predicted; means leave
        such classes out.

    Raises
    ------
    InvalidInputError
        ``unknown_class`` for a value that is not among the classes; ``too_many_classes``;
        ``too_many_groups`` where their confusion matrices would fill the memory.
    """
    arrays = {"prediction": prediction}
    cubes = CubePass(arrays, truth, dim=dim, by=by, weights=weights, **which)
    flagged = next((a for a in (truth, prediction) if "flag_values" in a.attrs), None)
    if classes is None and flagged is not None:
        classes = np.atleast_1d(flagged.attrs["flag_values"]).tolist()
    known = _occurring(cubes, ignore_index) if classes is None else np.unique(np.asarray(classes))
    if known.size > MOST_CLASSES:
        raise _too_many()
    size = known.size
    _check_fits(cubes.shape, size)

    def count(piece: Piece) -> tuple[tuple[slice, ...], Floats, NDArray[np.int64]]:
        group = cubes.group_of(piece)
        where, shape = cubes.part_of(piece)
        n_groups = math.prod(shape)
        t, p = piece.values["truth"], piece.values["prediction"]
        counts = ~np.isnan(t) & ~np.isnan(p) & (piece.weight > 0) & (group >= 0)
        if ignore_index is not None:
            counts &= t != ignore_index
        pair = _code(t[counts], known, "truth") * size + _code(p[counts], known, "prediction")
        code = group[counts] * size * size + pair
        length = n_groups * size * size
        area = np.bincount(code, piece.weight[counts], length).astype(np.float64)
        n = np.bincount(group[counts], minlength=n_groups).astype(np.int64)
        return where, area.reshape(*shape, size, size), n.reshape(shape)

    area, n = np.zeros((*cubes.shape, size, size)), np.zeros(cubes.shape, np.int64)
    for where, more_area, more_n in cubes.walk(count):
        area[where] += more_area
        n[where] += more_n
    return _named(_scores(cubes, area, n), known, flagged)


def _scores(cubes: CubePass, confusion: Floats, n: NDArray[np.int64]) -> xr.Dataset:
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    support, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    total = confusion.sum(axis=(-2, -1))
    recall, precision = _ratio(right, support), _ratio(right, predicted)
    f1 = _ratio(2 * right, support + predicted)
    iou = _ratio(right, support + predicted - right)
    one = ("class",)
    return cubes.dataset(
        {
            "precision": (one, precision),
            "recall": (one, recall),
            "f1": (one, f1),
            "iou": (one, iou),
            "support": (one, support),
            "confusion": (("class", "class_predicted"), confusion),
            "accuracy": ((), _ratio(right.sum(axis=-1), total)),
            "balanced_accuracy": ((), _mean(recall)),
            "f1_macro": ((), _mean(f1)),
            "iou_mean": ((), _mean(iou)),
            "n": ((), n),
            "weight": ((), total),
        }
    )


def _named(found: xr.Dataset, known: NDArray[Any], flagged: xr.DataArray | None) -> xr.Dataset:
    """Add names and colours of the classes from the CF flags."""
    names, colors = class_names(known, flagged)
    coords: dict[str, Any] = {
        "class": ("class", names),
        "class_predicted": ("class_predicted", names),
        "number": ("class", known),
    }
    if colors is not None:
        coords["color"] = ("class", colors)
    return found.assign_coords(coords)


def class_names(
    known: NDArray[Any], flagged: xr.DataArray | None
) -> tuple[NDArray[np.str_], NDArray[np.str_] | None]:
    """Return names and, where there are any, colours of classes from CF flag attributes."""
    attrs = {} if flagged is None else flagged.attrs
    values = np.atleast_1d(attrs.get("flag_values", ())).tolist()
    meanings = str(attrs.get("flag_meanings", "")).split()
    shades = str(attrs.get("flag_colors", "")).split()
    named = dict(zip(values, meanings, strict=False)) if len(values) == len(meanings) else {}
    names = np.array([named.get(number, f"{number:g}") for number in known.tolist()], dtype=str)
    if not values or len(values) != len(shades):
        return names, None
    of_value = dict(zip(values, shades, strict=True))
    return names, np.array([of_value.get(number, "") for number in known.tolist()], dtype=str)


def _occurring(cubes: CubePass, ignore_index: float | None) -> NDArray[np.float64]:
    def seen(piece: Piece) -> NDArray[np.float64]:
        t, p = piece.values["truth"], piece.values["prediction"]
        counts = ~np.isnan(t) & ~np.isnan(p) & (piece.weight > 0)
        if ignore_index is not None:
            counts &= t != ignore_index
        return np.unique(np.concatenate([t[counts], p[counts]]))

    found = np.empty(0)
    for values in cubes.walk(seen):
        found = np.union1d(found, values)
        if found.size > MOST_CLASSES:
            raise _too_many()
    return found


def _code(values: Floats, known: NDArray[Any], where: str) -> NDArray[np.int64]:
    place = np.searchsorted(known, values).clip(0, max(0, known.size - 1))
    wrong = known[place] != values if known.size else np.ones(values.shape, bool)
    if wrong.any():
        raise InvalidInputError(
            f"The {where} holds {values[wrong][0]:g}, which is none of the classes.",
            hint="Name all classes: classes=[...]; leave out cells of a truth that is none: "
            "ignore_index=...",
            code="unknown_class",
            field="classes",
        )
    return place.astype(np.int64)


def _check_fits(shape: tuple[int, ...], size: int) -> None:
    matrices = math.prod(shape)
    if 8 * matrices * size * size > _MOST_BYTES:
        raise InvalidInputError(
            f"{matrices} confusion matrices of {size} classes do not fit into the memory.",
            hint="Keep fewer dims, score a part of the cube, or merge classes.",
            code="too_many_groups",
            field="dim",
        )


def _too_many() -> InvalidInputError:
    return InvalidInputError(
        f"There are more than {MOST_CLASSES} classes.",
        hint="Score a continuous variable with score().",
        code="too_many_classes",
    )


def _ratio(above: Floats, below: Floats) -> Floats:
    found = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=found, where=below > 0)
    return found


def _mean(of_class: Floats) -> Floats:
    """Return the mean over the classes for which a score is defined."""
    defined = ~np.isnan(of_class)
    return _ratio(np.where(defined, of_class, 0).sum(axis=-1), defined.sum(axis=-1))
