"""Cubes that are missing outside of a region, lazily."""

from __future__ import annotations

import math

import xarray as xr

from .mlkit_features import Constant, Leaf, Op, choose, computed


def where_inside(array: xr.DataArray, inside: xr.Variable) -> xr.DataArray:
    """Return `array`, missing outside `inside`; nothing is read for it."""
    leaf = Leaf(array.variable, str(array.name))
    node = Op(choose, (Leaf(inside), leaf, Constant(math.nan)))
    data = computed(node, tuple(map(str, array.dims)))._data
    masked = xr.Variable(array.dims, data, array.attrs, array.encoding)
    return xr.DataArray(masked, coords=array.coords, name=array.name)
