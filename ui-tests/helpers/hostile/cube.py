"""A small cube whose variables, dimensions, units and attributes are the texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from files import file_name
from texts import TEXTS, Fields


def make_cube(path: Path, fields: Fields) -> None:
    """Write it to `path`, beside the cube of the demo."""
    import xarray as xr

    with xr.open_zarr(path.with_name("esdc-demo.zarr")) as demo:
        small = demo.isel(time=slice(0, 20), lat=slice(0, 54), lon=slice(0, 54)).load()
    for name in [*small.variables]:
        small[name].encoding.clear()
    known = list(small.data_vars)
    for number, text in enumerate(TEXTS):
        name = file_name(fields.put("cube.variable", text)).replace("/", "\u2215")
        copy = small[known[number % len(known)]].copy()
        for key in ("units", "long_name", "standard_name", "comment"):
            copy.attrs[key] = fields.put(f"cube.{key}", text)
        small[name] = copy
    for name in small.coords:
        small[name].attrs["long_name"] = fields.put_all("cube.coordinate")
    small.attrs |= {
        "title": fields.put_all("cube.title"),
        "history": fields.put_all("cube.history"),
    }
    small.attrs |= {f"a {text[:99]}": fields.put("cube.attribute", text) for text in TEXTS}
    small.to_zarr(path, zarr_format=2, consolidated=True)


def record_of_cube() -> dict[str, Any]:
    """Return what a run would keep of such a cube."""
    variables = {
        text: {"dims": [text], "dtype": text, "units": text, "role": text} for text in TEXTS
    }
    return {"cube": {"dims": dict.fromkeys(TEXTS, 1), "variables": variables}}
