"""Errors on their way to the client."""

from __future__ import annotations

from tornado import web

from ..errors import MLKitError
from ..models import ErrorBody

_CODES = {
    400: "invalid_input",
    401: "forbidden",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}
_SENTENCES = {
    403: "The request did not come from the page.",
    404: "There is nothing here, or not for requests from this origin.",
    405: "This route does not have that method.",
}


class Refusal(web.HTTPError):
    """An :class:`MLKitError` on its way to the client."""

    def __init__(self, error: MLKitError) -> None:
        super().__init__(error.status)
        self.body = error_body(error)
        self.retry_after: float | None = getattr(error, "retry_after", None)


def error_body(error: MLKitError) -> ErrorBody:
    """Return the error as it travels."""
    return ErrorBody(message=error.message, code=error.code, hint=error.hint, field=error.field)


def body_of(error: BaseException | None, status: int, *, signed_in: bool) -> ErrorBody:
    """Return what the client is told; of an exception that nobody foresaw, nothing but that."""
    if isinstance(error, Refusal):
        return error.body
    if status == 403 and not signed_in:
        return ErrorBody(
            message="You are not signed in.",
            code="not_signed_in",
            hint="Sign in to the Jupyter server, or send its token in the Authorization header.",
            field=None,
        )
    if isinstance(error, web.HTTPError):
        return ErrorBody(
            message=error.log_message
            or _SENTENCES.get(status, "The request could not be understood."),
            code=_CODES.get(status, "internal_error"),
            hint=None,
            field=None,
        )
    return ErrorBody(
        message="Something went wrong in the server.",
        code="internal_error",
        hint="Its log says more.",
        field=None,
    )
