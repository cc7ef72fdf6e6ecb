"""The one tree of errors: each carries a machine code, a sentence for the person and a hint."""

from __future__ import annotations


class MLKitError(Exception):
    """Anything that goes wrong and that a person should be told about.

    Parameters
    ----------
    message : str
        What happened and why, one or two sentences for a person.
    hint : str, optional
        What to do about it.
    code : str, optional
        Machine code, stable across versions; defaults to the class's own.
    field : str, optional
        Dotted path of the input that is wrong, such as ``"split.sizes.lat"``;
        a form shows the message beside that field.
    """

    code = "internal_error"
    status = 500

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.field = field
        if code is not None:
            self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by keyword, so that the error survives a process boundary whole."""
        return (
            _rebuild,
            (type(self), self.message, self.hint, self.code, self.field),
        )


def _rebuild(
    kind: type[MLKitError], message: str, hint: str | None, code: str, field: str | None
) -> MLKitError:
    return kind(message, hint=hint, code=code, field=field)


class InvalidInputError(MLKitError):
    """The request, the spec or an argument is wrong."""

    code = "invalid_input"
    status = 400


class SpecError(InvalidInputError):
    """A training spec is wrong; ``field`` names where."""

    code = "invalid_spec"


class CubeError(InvalidInputError):
    """A cube cannot be opened, read or used.

    Codes: ``cube_not_found``, ``not_a_cube``, ``unreadable_chunk``, ``unknown_variable``,
    ``all_missing`` (no valid target), ``empty_split``, ``unsupported_grid``.
    """

    code = "cube_error"


class ModelError(InvalidInputError):
    """A model cannot be built: unknown estimator, wrong parameter name or type."""

    code = "model_error"


class KernelError(InvalidInputError):
    """The chosen kernel cannot run our jobs.

    Codes: ``kernelspec_missing``, ``kernel_not_python``, ``kernel_without_mlkit``,
    ``kernel_version_mismatch``, ``mlflow_schema_mismatch``, ``kernel_broken``.
    """

    code = "kernel_error"


class ForbiddenError(MLKitError):
    """The person is known but not allowed to do this."""

    code = "forbidden"
    status = 403


class NotFoundError(MLKitError):
    """The named thing does not exist."""

    code = "not_found"
    status = 404


class ConflictError(MLKitError):
    """The thing exists but is in a state that does not allow this."""

    code = "conflict"
    status = 409


class TooLargeError(MLKitError):
    """The answer or the body is larger than what is served."""

    code = "too_large"
    status = 413


class TooManyRequestsError(MLKitError):
    """Somebody asks faster than is served; after `retry_after` seconds it goes on."""

    code = "too_many_requests"
    status = 429
    retry_after = 1.0


class BackendError(MLKitError):
    """The tracking store or server failed; codes ``store_locked``, ``store_unavailable``."""

    code = "store_unavailable"
    status = 502


class BackendTimeoutError(BackendError):
    """The tracking store, a probe or another helper did not answer in time."""

    code = "timeout"
    status = 504
