"""Parts of a spec that say where the data come from."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .part import Part


class StorageOptions(Part, omit_defaults=True):
    """How to reach a remote store; never a secret (name a profile or ``env:NAME`` instead)."""

    anon: Annotated[bool | None, Meta(title="Anonymous", description="Public bucket")] = None
    endpoint_url: Annotated[str | None, Meta(title="Endpoint")] = None
    region: Annotated[str | None, Meta(title="Region")] = None
    profile: Annotated[str | None, Meta(title="Profile", description="Named credentials")] = None


class Source(Part):
    """Where a cube is: a local path, ``https://`` or ``s3://``; zarr, netCDF and the like."""

    uri: Annotated[
        str,
        Meta(
            title="Cube",
            description="Path or URL of a zarr or netCDF cube",
            min_length=1,
            max_length=4096,
        ),
    ]
    options: Annotated[StorageOptions, Meta(title="Storage options")] = msgspec.field(
        default_factory=StorageOptions
    )


class Prepare(Part):
    """A function of the user's that makes the cube from the opened sources.

    It is called with one Dataset per source and returns a Dataset. Kernel, probe and job run
    the same one: by import path, or from code that travels with the spec.
    """

    function: Annotated[
        str,
        Meta(
            title="Function",
            description="'package.module:function', or a name that the code defines",
            min_length=1,
            max_length=500,
        ),
    ]
    code: Annotated[
        Annotated[str, Meta(max_length=100_000)] | None,
        Meta(title="Code", description="Python source that defines the function"),
    ] = None


class Region(Part):
    """A box in the cube's horizontal coordinates (degrees, or metres of its CRS)."""

    west: Annotated[float, Meta(title="West")]
    south: Annotated[float, Meta(title="South")]
    east: Annotated[float, Meta(title="East")]
    north: Annotated[float, Meta(title="North")]


class Period(Part):
    """A span of time, both ends included, as ISO 8601 dates."""

    start: Annotated[str, Meta(title="From")]
    end: Annotated[str, Meta(title="To")]
