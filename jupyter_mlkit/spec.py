"""TrainingSpec: the one description of a training, spoken by form, REST, magic, CLI and job.

No numerics are imported here: the server validates specs and must stay light.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Meta, Struct

from .errors import SpecError

SCHEMA_VERSION = 1

_SECRET = re.compile(r"secret|token|passw|credential|access_?key|private", re.IGNORECASE)
#: Query parameters of signed URLs.
_SIGNED = re.compile(r"signature|^sig$|^x-(amz|goog)-", re.IGNORECASE)
#: Prefixes of tags that mean something to MLflow and to us.
_RESERVED_TAGS = ("mlflow.", "mlkit.")


class _Part(Struct, forbid_unknown_fields=True):
    """Base of all parts: a misspelt field is an error, not ignored."""


class StorageOptions(_Part, omit_defaults=True):
    """How to reach a remote store; never a secret (name a profile or ``env:NAME`` instead)."""

    anon: Annotated[bool | None, Meta(title="Anonymous", description="Public bucket")] = None
    endpoint_url: Annotated[str | None, Meta(title="Endpoint")] = None
    region: Annotated[str | None, Meta(title="Region")] = None
    profile: Annotated[str | None, Meta(title="Profile", description="Named credentials")] = None


class Source(_Part):
    """Where a cube is: a local path, ``https://`` or ``s3://``; zarr or netCDF."""

    uri: Annotated[
        str,
        Meta(
            title="Cube",
            description="Path or URL of a zarr or netCDF cube",
            min_length=1,
            max_length=4096,
        ),
    ]
    options: Annotated[StorageOptions, Meta(title="Storage options")] = msgspec.field(
        default_factory=StorageOptions
    )


class Region(_Part):
    """A box in the cube's horizontal coordinates (degrees, or metres of its CRS)."""

    west: Annotated[float, Meta(title="West")]
    south: Annotated[float, Meta(title="South")]
    east: Annotated[float, Meta(title="East")]
    north: Annotated[float, Meta(title="North")]


class Period(_Part):
    """A span of time, both ends included, as ISO 8601 dates."""

    start: Annotated[str, Meta(title="From")]
    end: Annotated[str, Meta(title="To")]


class Shares(_Part):
    """Shares of the blocks (not of the cells) that each role gets; they add up to one."""

    train: Annotated[float, Meta(title="Train", gt=0, lt=1)] = 0.7
    validation: Annotated[float, Meta(title="Validation", gt=0, lt=1)] = 0.1
    test: Annotated[float, Meta(title="Test", gt=0, lt=1)] = 0.2


class BlockSplit(_Part, tag="block", tag_field="kind"):
    """Whole blocks go to one role; neighbours in space and time stay together.

    ``sizes`` maps a dim to a physical size (``"2.25 deg"``, ``"20 km"``, ``"80D"``)
    or to a number of cells.
    """

    sizes: Annotated[
        dict[str, str | int],
        Meta(title="Block sizes", description="dim: '2.25 deg', '20 km', '80D' or cells"),
    ]
    shares: Annotated[Shares, Meta(title="Shares of blocks")] = msgspec.field(
        default_factory=Shares
    )
    # Above 2**53 a browser rounds.
    seed: Annotated[int, Meta(title="Seed", ge=0, le=2**53 - 1)] = 42


class TimeSplit(_Part, tag="time", tag_field="kind"):
    """Train on the past, validate and test on later times."""

    validation_start: Annotated[str, Meta(title="Validation starts", description="ISO date")]
    test_start: Annotated[str, Meta(title="Test starts", description="ISO date")]


class ModelSpec(_Part):
    """What is fitted: a framework's class by import path and its parameters."""

    class_: Annotated[str, Meta(title="Estimator")] = msgspec.field(
        name="class", default="sklearn.linear_model.LinearRegression"
    )
    framework: Annotated[Literal["sklearn"], Meta(title="Framework")] = "sklearn"
    params: Annotated[dict[str, Any], Meta(title="Parameters")] = msgspec.field(
        default_factory=dict
    )


class FitSpec(_Part):
    """How it is fitted."""

    # What numpy's legacy generators, and so scikit-learn's random_state, take.
    seed: Annotated[int, Meta(title="Seed", ge=0, le=2**32 - 1)] = 0
    max_samples: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(
            title="Train samples at most",
            description="A seeded draw of the train cells, for cubes larger than memory",
        ),
    ] = None


class TrackingSpec(_Part):
    """Where the run goes and what it is called."""

    experiment: Annotated[str, Meta(title="Experiment", min_length=1, max_length=250)] = "Default"
    run_name: Annotated[Annotated[str, Meta(max_length=250)] | None, Meta(title="Run name")] = None
    tags: Annotated[dict[str, str], Meta(title="Tags")] = msgspec.field(default_factory=dict)


class TrainingSpec(_Part):
    """One training on a datacube, complete: any run can be launched again from its spec."""

    sources: Annotated[list[Source], Meta(title="Cube", min_length=1, max_length=1)]
    target: Annotated[str, Meta(title="Target", min_length=1)]
    features: Annotated[list[str], Meta(title="Features", min_length=1)]
    split: Annotated[BlockSplit | TimeSplit, Meta(title="Split")]
    use: Annotated[
        Literal["gaps", "places", "times"],
        Meta(
            title="What must it predict?",
            description="gaps in this region and period, new places, or later times",
        ),
    ] = "places"
    region: Annotated[Region | None, Meta(title="Region")] = None
    period: Annotated[Period | None, Meta(title="Period")] = None
    mask: Annotated[
        str | None,
        Meta(title="Mask", description="Variable that is non-zero where cells count"),
    ] = None
    scale: Annotated[Literal["standardize", "normalize", "none"], Meta(title="Scaling")] = (
        "standardize"
    )
    model: Annotated[ModelSpec, Meta(title="Model")] = msgspec.field(default_factory=ModelSpec)
    fit: Annotated[FitSpec, Meta(title="Fit")] = msgspec.field(default_factory=FitSpec)
    tracking: Annotated[TrackingSpec, Meta(title="Track")] = msgspec.field(
        default_factory=TrackingSpec
    )
    executor: Annotated[Literal["local"], Meta(title="Run on")] = "local"
    kernelspec: Annotated[str, Meta(title="Kernel", min_length=1)] = "python3"
    schema_version: Annotated[int, Meta(ge=1, le=SCHEMA_VERSION)] = SCHEMA_VERSION


def load_spec(data: bytes | str | dict[str, Any]) -> TrainingSpec:
    """Read a spec from JSON, YAML or a mapping.

    Raises
    ------
    SpecError
        The text is not YAML, or a field is missing, unknown, of the wrong type or
        out of range; ``field`` holds its dotted path.
    """
    if not isinstance(data, dict):
        data = _parse_yaml(data)
    _refuse_secrets(data)
    try:
        spec = msgspec.convert(data, TrainingSpec)
    except msgspec.ValidationError as error:
        raise spec_error(error) from None
    _check_consistency(spec)
    return spec


def dump_yaml(spec: TrainingSpec) -> str:
    """Return the spec as YAML, fields in the order of the class; ``load_spec`` reads it back."""
    return msgspec.yaml.encode(spec).decode()


def to_dict(spec: TrainingSpec) -> dict[str, Any]:
    """Return the spec as plain JSON-ready builtins."""
    built: dict[str, Any] = msgspec.to_builtins(spec)
    return built


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of :class:`TrainingSpec`, from which the launch form is made."""
    return msgspec.json.schema(TrainingSpec)


def _parse_yaml(text: bytes | str) -> dict[str, Any]:
    # YAML is a superset of JSON, so one parser reads both.
    try:
        data = msgspec.yaml.decode(text)
    except msgspec.DecodeError as error:
        raise SpecError(
            f"The spec is neither YAML nor JSON: {error}.",
            hint="Check the indentation near the place named above.",
        ) from None
    if not isinstance(data, dict):
        raise SpecError(
            f"A spec is a mapping of fields, this is a {type(data).__name__}.",
            hint="Start from the YAML that the launch form shows.",
        )
    return data


def _refuse_secrets(data: dict[str, Any]) -> None:
    sources = data.get("sources")
    for i, source in enumerate(sources if isinstance(sources, list) else []):
        options = source.get("options") if isinstance(source, dict) else None
        options = options if isinstance(options, dict) else {}
        for key in options:
            if _SECRET.search(str(key)):
                raise _secret(f"'{key}'", f"sources.{i}.options.{key}")
        uri = source.get("uri") if isinstance(source, dict) else None
        for value, field in (
            (uri, f"sources.{i}.uri"),
            (options.get("endpoint_url"), f"sources.{i}.options.endpoint_url"),
        ):
            found = _secret_part(value) if isinstance(value, str) else None
            if found:
                raise _secret(found, field)


def _secret_part(uri: str) -> str | None:
    """Return what in a URI is a secret, in words; None where nothing is."""
    if "://" not in uri:
        return None
    parts = urlsplit(uri)
    if parts.password or ("@" in parts.netloc and parts.scheme != "s3"):
        return "The user name or password in the URL"
    for key, _ in parse_qsl(parts.query, keep_blank_values=True):
        if _SECRET.search(key) or _SIGNED.search(key):
            return f"'{key}' in the URL"
    return None


def _secret(what: str, field: str) -> SpecError:
    return SpecError(
        f"{what} looks like a secret, and specs are stored with every run.",
        hint="Name a credentials profile with 'profile', or set the variable that "
        "fsspec reads in the environment of the kernel.",
        code="secret_in_spec",
        field=field,
    )


def _check_consistency(spec: TrainingSpec) -> None:
    if spec.target in spec.features:
        raise SpecError(
            f"'{spec.target}' is the target and a feature: the model would copy it.",
            hint="Take it out of the features.",
            field="features",
        )
    if len(set(spec.features)) != len(spec.features):
        raise SpecError("A feature is named twice.", hint="Name it once.", field="features")
    if isinstance(spec.split, BlockSplit):
        _check_blocks(spec.split)
    else:
        _check_order(
            ("split.validation_start", spec.split.validation_start),
            ("split.test_start", spec.split.test_start),
        )
    if spec.period:
        _check_order(("period.start", spec.period.start), ("period.end", spec.period.end))
    if spec.region and spec.region.south >= spec.region.north:
        raise SpecError(
            "The region's south is not south of its north.",
            hint="Exchange the two.",
            field="region.south",
        )
    _check_tracking(spec.tracking)


def _check_blocks(split: BlockSplit) -> None:
    shares = split.shares
    total = shares.train + shares.validation + shares.test
    if abs(total - 1) > 1e-9:
        raise SpecError(
            f"The shares add up to {total:g}, not to 1.",
            hint="Usual shares are 0.7, 0.1 and 0.2.",
            field="split.shares",
        )
    if not split.sizes:
        raise SpecError(
            "A block split needs the size of at least one dim.",
            hint="For example lat: 10 deg, lon: 10 deg.",
            field="split.sizes",
        )


def _check_order(first: tuple[str, str], second: tuple[str, str]) -> None:
    """Check two dates and that the second is later."""
    (first_field, first_text), (second_field, second_text) = first, second
    if _date(second_text, second_field) <= _date(first_text, first_field):
        raise SpecError(
            f"{second_text} is not after {first_text}.",
            hint=f"Put {second_field} after {first_field}.",
            field=second_field,
        )


def _date(text: str, field: str) -> datetime:
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise SpecError(
            f"'{text}' is not a date.",
            hint="Write it as 2002-05-21, or 2002-05-21T12:00.",
            field=field,
        ) from None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _check_tracking(tracking: TrackingSpec) -> None:
    if not tracking.experiment.strip():
        raise SpecError(
            "The experiment has no name.",
            hint="Name it, or leave it out for 'Default'.",
            field="tracking.experiment",
        )
    for key in tracking.tags:
        if not key.strip() or len(key) > 250:
            raise SpecError(
                "A tag needs a name of at most 250 characters.",
                hint="Name it or remove it.",
                field="tracking.tags",
            )
        if key.startswith(_RESERVED_TAGS):
            raise SpecError(
                f"The tag '{key}' is set by the kit itself.",
                hint="Choose a name that begins with neither 'mlflow.' nor 'mlkit.'.",
                field="tracking.tags",
            )


#: What a person calls msgspec's types.
_WORDS = {
    "object": "a group of fields",
    "array": "a list",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "empty",
}


def spec_error(error: msgspec.ValidationError) -> SpecError:
    """Turn msgspec's ``... - at `$.split.sizes` `` into a sentence and a field path."""
    text = str(error)
    message, _, path = text.partition(" - at ")
    # `[...]` is any value of a mapping: the field that a form has is the mapping itself.
    field = re.sub(r"\[(\d+)\]", r".\1", path.strip("`").removesuffix("[...]"))
    field = field.replace("[...]", "").removeprefix("$").strip(".")
    missing = re.search(r"missing required field `(\w+)`", message)
    unknown = re.search(r"unknown field `(\w+)`", message)
    name = missing or unknown
    if name:
        field = f"{field}.{name.group(1)}".strip(".")
    types = re.fullmatch(r"Expected `([^`]+)`, got `([^`]+)`", message)
    if missing:
        return SpecError(f"'{missing.group(1)}' is missing.", field=field, hint="Fill it in.")
    if unknown:
        return SpecError(
            f"There is no field '{unknown.group(1)}' here.",
            field=field,
            hint="Remove it or correct its spelling.",
        )
    if types:
        message = f"This must be {_in_words(types.group(1))}, not {_in_words(types.group(2))}"
    return SpecError(
        f"{message}.",
        field=field or None,
        hint="Compare with the YAML that the launch form shows.",
    )


def _in_words(types: str) -> str:
    return " or ".join(_WORDS.get(name, name) for name in types.split(" | "))
