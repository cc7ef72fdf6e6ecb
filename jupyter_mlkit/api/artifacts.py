"""Files that runs have logged: listed, and handed out so that no browser ever runs them."""

from __future__ import annotations

from typing import Annotated, BinaryIO
from urllib.parse import quote

from msgspec import Meta
from tornado.iostream import StreamClosedError

from ..models import ArtifactPage, ArtifactPreview, CubePreview, CubePreviewRequest
from .base import MLKitHandler
from .endpoint import Paging, Query, endpoint
from .owned import NOTHING

#: Bytes read and sent at a time.
PIECE = 256 * 1024


class ArtifactsQuery(Paging):
    """Which folder."""

    path: Annotated[str, Meta(max_length=4096, description="Folder; the top if empty")] = ""


class ContentQuery(Query):
    """Which file."""

    path: Annotated[str, Meta(min_length=1, max_length=4096)]


class ArtifactsHandler(MLKitHandler):
    """A folder of a run's artifacts."""

    path = "runs/{run_id}/artifacts"

    @endpoint(
        "read",
        "artifacts",
        "List a folder of artifacts",
        query=ArtifactsQuery,
        answer=ArtifactPage,
        polled=True,
    )
    async def get(self, run_id: str, query: ArtifactsQuery) -> ArtifactPage:
        """Return a page of files and folders."""
        return await self.with_tracking(
            lambda store: store.artifacts(run_id, query.path, query.max_results, query.page_token)
        )


class PreviewHandler(MLKitHandler):
    """The beginning of an artifact, as data."""

    path = "runs/{run_id}/artifacts/preview"

    @endpoint(
        "read", "artifacts", "Preview an artifact", query=ContentQuery, answer=ArtifactPreview
    )
    async def get(self, run_id: str, query: ContentQuery) -> ArtifactPreview:
        """Return what can be shown of it."""
        return await self.with_tracking(lambda store: store.preview_artifact(run_id, query.path))


class CubeHandler(MLKitHandler):
    """A cube among the artifacts, looked at by the helper process of a kernel."""

    path = "runs/{run_id}/artifacts/cube"

    @endpoint(
        "execute",
        "cubes",
        "Describe and draw a cube among the artifacts",
        on=NOTHING,
        body=CubePreviewRequest,
        answer=CubePreview,
    )
    async def post(self, run_id: str, body: CubePreviewRequest) -> CubePreview:
        """Say where it lies; the helper opens it beneath that root, and this server never."""
        place = await self.with_tracking(lambda store: store.artifact_place(run_id, body.path))
        return await self.asking_kernel(
            lambda: self.services.kernels.ask(
                body.kernelspec,
                "artifact_cube",
                {"root": str(place.root), "parts": list(place.parts)},
                CubePreview,
                self.services.probe_timeout,
            )
        )


class ContentHandler(MLKitHandler):
    """The bytes of one artifact."""

    path = "runs/{run_id}/artifacts/content"

    @endpoint("read", "artifacts", "Download an artifact", query=ContentQuery, binary=True)
    async def get(self, run_id: str, query: ContentQuery) -> None:
        """Send the file as an attachment.

        Whoever may log can log HTML or SVG with scripts, and here they would run with the
        rights of the page: so always an attachment of unknown type, in a sandbox.
        """
        file, size, name = await self.with_tracking(
            lambda store: store.open_artifact(run_id, query.path)
        )
        try:
            self._set_headers(size, name)
            await self._send(file, size)
        finally:
            await self.blocking(file.close)

    @property
    def content_security_policy(self) -> str:
        """Nothing may be loaded or run by what is sent here."""
        return "sandbox; default-src 'none'"

    def _set_headers(self, size: int, name: str) -> None:
        plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in name)
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header(
            "Content-Disposition",
            f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        )
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", self.content_security_policy)
        self.set_header("Cache-Control", "private, no-cache")
        self.set_header("Content-Length", str(size))

    async def _send(self, file: BinaryIO, size: int) -> None:
        left = size
        try:
            while left > 0:
                piece = await self.blocking(file.read, min(PIECE, left))
                if not piece:  # cut short while it was sent: the client sees the lengths differ
                    self.log.warning("An artifact became shorter while it was sent")
                    break
                left -= len(piece)
                self.write(piece)
                await self.flush()
        except StreamClosedError:
            return  # the client went away
        if left == 0:
            await self.finish(set_content_type="application/octet-stream")
        else:
            self.request.connection.stream.close()  # type: ignore[union-attr]


HANDLERS = [ArtifactsHandler, PreviewHandler, CubeHandler, ContentHandler]
