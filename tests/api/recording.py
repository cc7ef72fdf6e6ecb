"""An authorizer that writes down what it is asked and answers as it is told."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from traitlets import List


class RecordingAuthorizer(Authorizer):
    """Allows everything, until it is told another answer."""

    asked = List()
    answer: Any = True

    def is_authorized(
        self, handler: Any, user: Any, action: str, resource: str
    ) -> Awaitable[bool] | bool:
        self.asked.append((action, resource))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def jp_server_config(jp_server_config: Any) -> Any:
    jp_server_config["ServerApp"]["authorizer_class"] = RecordingAuthorizer
    return jp_server_config


@pytest.fixture
def authorizer(jp_serverapp: Any) -> RecordingAuthorizer:
    return jp_serverapp.authorizer
