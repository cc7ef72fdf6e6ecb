"""Which networks a spec may name, what their parameters are, and how one is made."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ...errors import MLKitError, ModelError
from ...models import Estimator
from ...spec.messages import spec_error
from ...spec.part import Part
from ..estimators import require_framework
from ..probe import error_body
from .backend import require_keras

NetworkFramework = Literal["torch", "keras"]
Activation = Literal["relu", "gelu", "tanh"]
#: What of a spec's ``fit`` a network heeds.
FIT_FIELDS = ("seed", "epochs", "batch_size", "optimizer", "learning_rate", "loss", "patience")
#: Where the networks of a framework are imported from; a spec names them by this path.
_HOME = "jupyter_mlkit.train.networks"


class MLPParams(Part):
    """Layers of a multi-layer perceptron that sees one cell at a time."""

    hidden: Annotated[
        list[Annotated[int, Meta(ge=1, le=65536)]],
        Meta(
            title="Hidden layers",
            description="Units of each, such as [64, 64]; [] gives a linear model",
            max_length=64,
        ),
    ] = msgspec.field(default_factory=lambda: [64, 64])
    activation: Annotated[Activation, Meta(title="Activation")] = "relu"
    dropout: Annotated[
        float,
        Meta(
            title="Dropout",
            description="Share of the hidden units that a training step leaves out",
            ge=0,
            lt=1,
        ),
    ] = 0.0


@dataclass(frozen=True)
class Architecture:
    """A network that every framework here can make.

    Attributes
    ----------
    name : str
        As people write it.
    function : str
        What makes it, in the module of each framework.
    params : type
        Its parameters with their defaults and bounds.
    """

    name: str
    function: str
    params: type[Part]


@dataclass(frozen=True)
class Network:
    """A network of one framework, as a spec names it."""

    architecture: Architecture
    framework: NetworkFramework
    kind: Literal["regressor"] = "regressor"

    @property
    def path(self) -> str:
        """Import path of the function that makes it."""
        return f"{_HOME}.{self.framework}.{self.architecture.function}"

    def check(self, params: dict[str, Any]) -> list[MLKitError]:
        """Return what is wrong with `params`; each error names ``model.params.<name>``.

        First, whether the framework is there at all.
        """
        try:
            _require(self.framework)
        except ModelError as error:
            return [error]
        try:
            msgspec.convert(params, self.architecture.params)
        except msgspec.ValidationError as error:
            found = spec_error(error)
            field = f"model.params.{found.field}" if found.field else "model.params"
            names = ", ".join(self.architecture.params.__struct_fields__)
            return [
                ModelError(
                    found.message,
                    hint=f"{self.architecture.name} has the parameters {names}.",
                    code="wrong_parameter",
                    field=field,
                )
            ]
        return []

    def complete(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return `params` with the default of each that is not among them."""
        chosen = msgspec.convert(params, self.architecture.params)
        found: dict[str, Any] = msgspec.to_builtins(chosen)
        return found

    def build(self, params: dict[str, Any], inputs: int, seed: int) -> Any:
        """Return the untrained network for `inputs` features and one target.

        Raises
        ------
        ModelError
            ``framework_missing``, ``wrong_parameter``.
        """
        errors = self.check(params)
        if errors:
            raise errors[0]
        make: Callable[..., Any] = getattr(
            import_module(f".{self.framework}", __package__), self.architecture.function
        )
        return make(inputs, seed=seed, **self.complete(params))

    def offer(self) -> Estimator:
        """Return what the launch form shows of it."""
        schema = _params_schema(self.architecture.params, self.architecture.name)
        missing = [error_body(error) for error in self.check({})]
        label = {"torch": "PyTorch", "keras": "Keras"}[self.framework]
        return Estimator(
            class_=self.path,
            name=f"{self.architecture.name} ({label})",
            kind=self.kind,
            summary=inspect.cleandoc(self.architecture.params.__doc__ or ""),
            params_schema=schema,
            fit=list(FIT_FIELDS),
            problem=missing[0] if missing else None,
        )


MLP = Architecture("MLP", "mlp", MLPParams)
NETWORKS = tuple(
    Network(architecture, framework) for architecture in (MLP,) for framework in ("torch", "keras")
)


def is_network(path: str) -> bool:
    """Tell whether `path` is meant to be one of these, right or misspelt."""
    return path.startswith(_HOME + ".")


def find_network(path: str) -> Network:
    """Return the network that `path` names.

    Raises
    ------
    ModelError
        ``unknown_estimator`` with the closest match.
    """
    for network in NETWORKS:
        if network.path == path:
            return network
    paths = [network.path for network in NETWORKS]
    near = difflib.get_close_matches(path, paths, n=1, cutoff=0.5)
    raise ModelError(
        f"There is no network '{path}'.",
        hint=f"Did you mean '{near[0]}'?" if near else f"There are {', '.join(paths)}.",
        code="unknown_estimator",
        field="model.class",
    )


def _require(framework: NetworkFramework) -> None:
    require_framework(framework)
    if framework == "keras":
        require_keras()


def _params_schema(params: type[Part], title: str) -> dict[str, Any]:
    """Return the JSON Schema of `params`, standing alone."""
    schema = msgspec.json.schema(params)
    found: dict[str, Any] = schema["$defs"][params.__name__]
    # A list that is made anew for each has no default in a schema.
    for name, value in msgspec.to_builtins(params()).items():
        found["properties"][name]["default"] = value
    return {**found, "title": title, "additionalProperties": False}
