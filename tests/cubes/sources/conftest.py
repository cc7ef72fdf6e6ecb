"""Cubes on disk, behind a web server and in a bucket."""

from __future__ import annotations

import functools
import http.server
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..made import small_cube


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, ds = tmp_path_factory.mktemp("stores"), small_cube()
    found = {name: folder / f"{name}.zarr" for name in ("v2", "v2_plain", "v3")}
    ds.to_zarr(found["v2"], zarr_format=2, consolidated=True)
    ds.to_zarr(found["v2_plain"], zarr_format=2, consolidated=False)
    ds.to_zarr(found["v3"], zarr_format=3, consolidated=False)
    found["netcdf"] = folder / "cube.nc"
    ds.to_netcdf(found["netcdf"])
    return found


class _Ranges(http.server.SimpleHTTPRequestHandler):
    """Serves parts of files, except below /whole, as servers of data do."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if self.path.startswith("/whole/"):
            self.path, wanted = self.path.removeprefix("/whole"), None
        path = Path(self.translate_path(self.path))
        if wanted is None or not path.is_file():
            super().do_GET()
            return
        data = path.read_bytes()
        first = int(wanted.group(1))
        last = min(int(wanted.group(2) or len(data)), len(data) - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(last + 1 - first))
        self.end_headers()
        self.wfile.write(data[first : last + 1])

    def do_HEAD(self) -> None:
        self.path = self.path.removeprefix("/whole")
        super().do_HEAD()


@pytest.fixture(scope="session")
def web(stores: dict[str, Path]) -> Iterator[str]:
    handler = functools.partial(_Ranges, directory=str(stores["v2"].parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def bucket(stores: dict[str, Path]) -> Iterator[dict[str, str]]:
    import s3fs
    from moto.server import ThreadedMotoServer

    names = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
    kept = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    fs = s3fs.S3FileSystem(endpoint_url=endpoint)
    fs.mkdir("cubes")
    fs.put(str(stores["v2"]), "cubes/v2.zarr", recursive=True)
    fs.put(str(stores["v3"]), "cubes/v3.zarr", recursive=True)
    yield {"endpoint_url": endpoint}
    server.stop()
    for name, value in kept.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})
