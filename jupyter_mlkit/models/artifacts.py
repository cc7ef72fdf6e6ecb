"""Files of runs as they are shown before anybody downloads them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .base import Body, Model
from .cubes import CubeDescription


class Table(Model):
    """The first rows of a table; every cell as it stands in the file."""

    columns: list[str]
    rows: list[list[str]]


class NotebookCell(Model):
    """A cell of a notebook, as text; markup and pictures are left out."""

    kind: Literal["code", "markdown", "raw"]
    source: str
    outputs: list[str]


class ArtifactPreview(Model):
    """What can be shown of a file; one of the parts is there, or none."""

    path: str
    kind: Annotated[
        Literal["text", "json", "table", "notebook", "image", "cube", "none"],
        Meta(
            description="image: fetch the content and show it as a picture; cube: ask for its "
            "description; none: it can only be downloaded"
        ),
    ]
    size: Annotated[int | None, Meta(description="Bytes; null for a folder")]
    truncated: Annotated[bool, Meta(description="There is more in the file than is shown")]
    text: str | None = None
    table: Table | None = None
    cells: list[NotebookCell] | None = None
    media_type: Annotated[str | None, Meta(description="Of a picture, by its first bytes")] = None


class CubePreviewRequest(Body):
    """Which cube among the artifacts, and the kernel whose environment opens it."""

    path: Annotated[str, Meta(min_length=1, max_length=4096)]
    kernelspec: Annotated[str, Meta(min_length=1, max_length=250)] = "python3"


class CubePreview(Model):
    """A cube among the artifacts of a run."""

    description: CubeDescription
    map_png: Annotated[str | None, Meta(description="Its first variable, base64")]
