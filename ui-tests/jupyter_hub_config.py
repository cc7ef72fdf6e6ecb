"""As a single-user server on a hub: below a prefix, with token and XSRF check."""

import os

c = get_config()  # noqa: F821
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.port = int(os.environ["MLKIT_PORT"])
c.ServerApp.port_retries = 0
c.ServerApp.base_url = "/user/x/"
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True
c.ServerApp.root_dir = os.environ["MLKIT_ROOT"]
c.IdentityProvider.token = os.environ["MLKIT_TOKEN"]
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.news_url = None
