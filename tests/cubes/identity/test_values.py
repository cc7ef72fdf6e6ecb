"""Fast ways to the same digests of values."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jupyter_mlkit.cubes.identity import values
from jupyter_mlkit.cubes.identity.values import ValueDigest


def digest(array: np.ndarray[Any, Any], *, cuts: tuple[int, ...] = ()) -> bytes:
    dims = [f"d{i}" for i in range(array.ndim)]
    found = ValueDigest(dict(zip(dims, array.shape, strict=True)))
    edges = [0, *cuts, array.shape[0]]
    for start, stop in itertools.pairwise(edges):
        if start < stop:
            box = {dim: slice(0, size) for dim, size in zip(dims, array.shape, strict=True)}
            found.add(array[start:stop], box | {"d0": slice(start, stop)})
    return found.digest("v")


arrays = hnp.arrays(
    dtype=st.sampled_from(["f2", "f4", "f8", "i1", "i2", "i4", "u8", "bool"]),
    shape=hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=9),
)


@given(array=arrays)
@settings(max_examples=80, deadline=None)
def test_compiled_and_plain_values_digest_alike(array: np.ndarray[Any, Any]) -> None:
    starts, strides = [0] * array.ndim, [s // array.itemsize for s in array.strides]
    plain = values._sums(array, starts, strides, compiled=False)
    assert plain.tolist() == values._sums(array, starts, strides, compiled=True).tolist()


@given(array=arrays, data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_order_and_size_of_boxes_do_not_matter(
    array: np.ndarray[Any, Any], data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, array.shape[0]), max_size=3).map(sorted))
    assert digest(array, cuts=tuple(cuts)) == digest(array)


@given(array=arrays, data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_one_value_changes_it(array: np.ndarray[Any, Any], data: st.DataObject) -> None:
    place = data.draw(st.tuples(*(st.integers(0, size - 1) for size in array.shape)))
    other = array.copy()
    other[place] = data.draw(hnp.from_dtype(array.dtype))
    same = np.array_equal(array, other, equal_nan=array.dtype.kind == "f")
    assert (digest(array) == digest(other)) == same


def test_all_zeros_and_all_missing_values_are_one() -> None:
    odd = np.array([-0.0, np.nan], "f4")
    odd.view("u4")[1] = 0xFFC12345
    assert digest(odd) == digest(np.array([0.0, np.nan], "f4"))
