"""No secret reaches a log, whoever writes it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_mlkit.api.redact import RedactingFilter, redact_text, secrets_of

CANARY = "canary-7d1f0c2b9e"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (
            f"postgresql://anna:{CANARY}@db.example.org/mlflow failed",
            "postgresql://db.example.org/mlflow failed",
        ),
        (f"GET https://x.org/c.zarr?X-Amz-Signature={CANARY}&v=2", "GET https://x.org/c.zarr?v=2"),
        (f"Authorization: Bearer {CANARY}", "Authorization: Bearer [secret]"),
        (f"header 'token {CANARY}' refused", "header 'token [secret]' refused"),
        (f"password={CANARY}, user=anna", "password=[secret], user=anna"),
        (f'{{"secret_key": "{CANARY}", "b": 1}}', '{"secret_key": "[secret]", "b": 1}'),
        (f"AWS_SECRET_ACCESS_KEY={CANARY}", "AWS_SECRET_ACCESS_KEY=[secret]"),
        ("12 tokens left for key 'val_rmse' of http://127.0.0.1:8888/lab?reset", None),
        ("a run named token economy; its signature is fine", None),
    ],
)
def test_texts(text: str, clean: str | None) -> None:
    assert redact_text(text) == (clean or text)


@pytest.fixture
def jp_server_config(jp_server_config: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"aws {CANARY}")
    monkeypatch.setenv("EARTHDATA_TOKEN", f"earth+{CANARY}")
    return jp_server_config


@pytest.fixture
def written(jp_serverapp: Any) -> Iterator[io.StringIO]:
    """What a handler of the server writes, as it would stand there before extensions load."""
    handler = logging.StreamHandler(io.StringIO())
    jp_serverapp.log.addHandler(handler)
    app = jp_serverapp.web_app.settings["jupyter_mlkit"]
    found = RedactingFilter(secrets_of(app.tracking_uri, jp_serverapp), jp_serverapp.log)
    yield handler.stream
    found.remove()
    jp_serverapp.log.removeHandler(handler)


async def test_what_the_server_knows_is_never_written(
    call: Any, jp_serverapp: Any, written: io.StringIO
) -> None:
    app = jp_serverapp.web_app.settings["jupyter_mlkit"]
    token = jp_serverapp.identity_provider.token
    secrets = {token, f"aws {CANARY}", f"earth+{CANARY}"}
    assert secrets <= secrets_of(f"postgresql://anna:{CANARY}@db/x", jp_serverapp)
    for logger in (jp_serverapp.log, app.log, logging.getLogger("tornado.application")):
        for secret in secrets:
            logger.error("Here it is: %s and %r", secret, {"deep": [secret]})
        try:
            raise RuntimeError(f"wrong {token}")
        except RuntimeError:
            logger.exception("With a trace")
    text = written.getvalue()
    assert "Here it is: [secret]" in text
    assert "RuntimeError: wrong [secret]" in text
    for secret in secrets:
        assert secret not in text


async def test_requests_that_fail_leave_no_secret(
    call: Any, jp_serverapp: Any, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = jp_serverapp.web_app.settings["jupyter_mlkit_services"]

    def fail() -> None:
        raise ZeroDivisionError(
            f"opening postgresql://anna:{CANARY}@db/x with {CANARY}=earth+{CANARY}"
        )

    monkeypatch.setattr(services, "open_tracking", fail)
    for path in (f"runs?filter={CANARY}&token={CANARY}", f"runs?page_token={CANARY}"):
        answer = await call("GET", path, headers={"Referer": f"http://x/?token={CANARY}"})
        assert answer.status in (400, 500)
        assert CANARY.encode() not in answer.body
    text = written.getvalue()
    assert "ZeroDivisionError" in text
    assert f"anna:{CANARY}" not in text
    assert f"earth+{CANARY}" not in text
    assert f"token={CANARY}" not in text


def test_it_goes_as_it_came() -> None:
    log = logging.Logger("of a server")
    log.addHandler(logging.StreamHandler(io.StringIO()))
    places = [log, *log.handlers, *logging.getLogger().handlers, logging.lastResort]
    before = [list(place.filters) for place in places]
    found = RedactingFilter({CANARY}, log)
    assert all(found in place.filters for place in places)
    found.remove()
    assert [list(place.filters) for place in places] == before


def test_short_values_are_words_too() -> None:
    stream = io.StringIO()
    log = logging.Logger("of a server")
    log.addHandler(logging.StreamHandler(stream))
    found = RedactingFilter({"true", "key", CANARY, CANARY[:12]}, log)
    log.error("it is true that the key is %s", CANARY)
    assert stream.getvalue() == "it is true that the key is [secret]\n"
    wrong = logging.makeLogRecord({"msg": "%d", "args": ("x",)})
    assert found.filter(wrong), "for logging itself to complain about"
    found.remove()
