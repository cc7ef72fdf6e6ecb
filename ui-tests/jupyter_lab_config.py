"""Galata's server: it switches token and XSRF off, which is why `hub` exists beside it."""

import os

from jupyterlab.galata import configure_jupyter_server

c = get_config()  # noqa: F821
configure_jupyter_server(c)
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.port = int(os.environ["MLKIT_PORT"])
c.ServerApp.port_retries = 0
c.ServerApp.allow_root = True
c.ServerApp.root_dir = os.environ["MLKIT_ROOT"]
