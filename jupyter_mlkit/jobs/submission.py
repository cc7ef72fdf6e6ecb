"""From what a form holds to a job: every wrong field is named before anything starts."""

from __future__ import annotations

from typing import Any

import msgspec

from ..errors import InvalidInputError, KernelError, SpecError
from ..models import (
    ErrorBody,
    Job,
    JobOptions,
    JobRequest,
    Preview,
    RerunRequest,
    Validation,
)
from ..spec import TrainingSpec, load_spec, to_dict
from .kernels import Kernels
from .record import as_body
from .supervisor import Supervisor


def wrong_fields(data: dict[str, Any]) -> list[SpecError]:
    """Return what is wrong with a spec in itself, one error per top-level field."""
    try:
        load_spec(data)
    except SpecError as found:
        first = found
    else:
        return []
    fields = msgspec.structs.fields(TrainingSpec)
    errors = [error for field in fields if (error := _wrong_field(data, field)) is not None]
    # What load_spec found may be of no single field (an unknown one, two that disagree). Of the
    # same field it knows more: that a key looks like a secret, not only that it is unknown.
    if first.field not in {error.field for error in errors}:
        return [first, *errors]
    return [first if error.field == first.field else error for error in errors]


def validate(data: dict[str, Any], kernels: Kernels, timeout: float) -> Validation:
    """Return whether a spec can be trained: the spec, its kernel, then its cube and model."""
    wrong = wrong_fields(data)
    if wrong:
        return Validation(ok=False, errors=[as_body(error) for error in wrong])
    spec = load_spec(data)
    try:
        return kernels.ask(
            spec.kernelspec, "validate", {"spec": to_dict(spec)}, Validation, timeout
        )
    except KernelError as error:
        return Validation(ok=False, errors=[as_body(error)])


def preview(data: dict[str, Any], kernels: Kernels, timeout: float) -> Preview:
    """Return what a spec would train on.

    Raises
    ------
    SpecError, KernelError, InvalidInputError
    """
    spec = load_spec(data)
    return kernels.ask(spec.kernelspec, "preview", {"spec": to_dict(spec)}, Preview, timeout)


def submit(
    request: JobRequest,
    kernels: Kernels,
    supervisor: Supervisor,
    timeout: float,
    *,
    user: str | None = None,
    rerun_of: str | None = None,
) -> Job:
    """Validate a spec and put it in line for `user`.

    Raises
    ------
    InvalidInputError
        The first thing that is wrong; nothing is left behind.
    """
    validation = validate(request.spec, kernels, timeout)
    if not validation.ok:
        raise _refusal(validation.errors)
    spec = load_spec(request.spec)
    interpreter = kernels.interpreter(spec.kernelspec)
    return supervisor.submit(
        spec,
        interpreter.command,
        interpreter.environment,
        request.options,
        user=user,
        rerun_of=rerun_of,
    )


def again(job: Job, request: RerunRequest) -> JobRequest:
    """Return the request that repeats a job with what is to differ.

    Attempts that a job may have follow from its own options, as do limits and priority, unless
    the request brings options of its own.
    """
    options = request.options or JobOptions(
        timeout_seconds=job.timeout_seconds,
        memory_bytes=job.memory_bytes,
        priority=job.priority,
        retries=job.retries,
    )
    return JobRequest(spec=merged(job.spec, request.changes), options=options)


def merged(value: Any, patch: Any) -> Any:
    """Return `value` with a JSON merge patch (RFC 7396) applied."""
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for key, change in patch.items():
        if change is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), change)
    return result


def _wrong_field(data: dict[str, Any], field: msgspec.structs.FieldInfo) -> SpecError | None:
    if field.encode_name not in data and not field.required:
        return None
    # One field at a time, the others left out: so that one error does not hide the next.
    single = msgspec.defstruct("Single", [(field.name, field.type)], forbid_unknown_fields=True)
    known = {key: value for key, value in data.items() if key == field.encode_name}
    try:
        msgspec.convert(known, single)
    except msgspec.ValidationError as error:
        from ..spec import spec_error

        return spec_error(error)
    return None


def _refusal(errors: list[ErrorBody]) -> InvalidInputError:
    if not errors:
        return InvalidInputError("The spec cannot be trained.", code="invalid_spec")
    first = errors[0]
    return InvalidInputError(first.message, code=first.code, hint=first.hint, field=first.field)
