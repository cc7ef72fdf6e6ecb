"""Reading the cube from a local stand-in for S3, with and without latency.

The stand-in lives in a process of its own and knows what reading takes: GET and HEAD of an
object, and the list of a prefix.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

try:
    from .child import Run
    from .cube import DIMS, FEATURE, TARGET
except ImportError:  # started as the server
    pass

_LATENCY = 0.03
_BUCKET = "cubes"


def _read(latency: float) -> Callable[[Run], None]:
    def work(run: Run) -> None:
        import s3fs  # noqa: F401
        import xarray  # noqa: F401
        import zarr  # noqa: F401

        from jupyter_mlkit.cubes.reading.slabs import SlabReader
        from jupyter_mlkit.cubes.sources.open import open_cube
        from jupyter_mlkit.spec.sources import Source, StorageOptions

        command = [sys.executable, __file__, str(run.path.parent), str(latency)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            endpoint = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            source = Source(
                uri=f"s3://{_BUCKET}/{run.path.name}",
                options=StorageOptions(anon=True, endpoint_url=endpoint),
            )
            run.start()
            reader = SlabReader(open_cube(source), [FEATURE, TARGET], DIMS)
            for _ in reader.map(_nothing):
                run.first()
            run.finish()
        finally:
            server.terminate()
            server.wait()

    return work


def _nothing(*_: object) -> None:
    pass


near, far = map(_read, (0.0, _LATENCY))


class _Objects(BaseHTTPRequestHandler):
    """The files of a folder as the objects of a bucket."""

    protocol_version = "HTTP/1.1"
    root: Path
    latency: float

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _answer(self, *, body: bool) -> None:
        time.sleep(self.latency)
        url = urlsplit(self.path)
        _, _, key = unquote(url.path).lstrip("/").partition("/")
        if not key:
            self._send(200, self._listed(parse_qs(url.query)), "application/xml", body)
            return
        file = self.root / key
        if not file.is_file():
            text = b"<Error><Code>NoSuchKey</Code></Error>"
            self._send(404, text, "application/xml", body)
            return
        data = file.read_bytes()
        wanted = self.headers.get("Range", "").removeprefix("bytes=")
        if not wanted:
            self._send(200, data, "application/octet-stream", body)
            return
        first, _, last = wanted.partition("-")
        start = int(first) if first else len(data) - int(last)
        stop = min(int(last) + 1, len(data)) if first and last else len(data)
        span = f"bytes {start}-{stop - 1}/{len(data)}"
        self._send(206, data[start:stop], "application/octet-stream", body, span)

    def _listed(self, query: dict[str, list[str]]) -> bytes:
        prefix = query.get("prefix", [""])[0]
        folder = self.root / prefix
        entries = sorted(folder.iterdir()) if prefix.endswith("/") and folder.is_dir() else []
        parts = [
            f"<CommonPrefixes><Prefix>{escape(prefix + entry.name)}/</Prefix></CommonPrefixes>"
            if entry.is_dir()
            else f"<Contents><Key>{escape(prefix + entry.name)}</Key>"
            f"<Size>{entry.stat().st_size}</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for entry in entries
        ]
        text = f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(parts)}"
        return (text + "</ListBucketResult>").encode()

    def _send(
        self, status: int, data: bytes, kind: str, body: bool, span: str | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("ETag", '"0"')
        if span:
            self.send_header("Content-Range", span)
        self.end_headers()
        if body:
            self.wfile.write(data)


def main() -> None:
    """Serve the folder and with the latency that the command line names."""
    _Objects.root, _Objects.latency = Path(sys.argv[1]), float(sys.argv[2])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Objects)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
