"""Which kernels there are and which of them can run our jobs."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Struct
from traitlets import TraitError

from .. import __version__
from ..errors import KernelError, MLKitError
from ..models import Kernel, KernelList
from ..spec import SCHEMA_VERSION
from .environment import child_environment, expanded, without_password
from .interpreter import Interpreter, KernelSpec, interpreter_of
from .probe import Probe, ProbeGoneError
from .probes import ProbePool
from .record import as_body
from .store_schema import store_schema

T = TypeVar("T")

#: Seconds for the first sign of life; importing mlflow on a cold network disk is slow.
CHECK_TIMEOUT = 60.0


class KernelSpecs(Protocol):
    """What we use of a kernelspec manager."""

    def find_kernel_specs(self) -> Mapping[str, str]:
        """Return the folders of kernelspecs by name."""
        ...

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return one kernelspec."""
        ...


class KernelFacts(Struct):
    """What a helper process says of its environment."""

    jupyter_mlkit: str
    spec_version: int
    mlflow: str
    mlflow_schema: str
    python: str


class Kernels:
    """The kernelspecs of the server, checked for our jobs, and a helper process in each.

    Synchronous and thread-safe; checks take a second or more.
    """

    def __init__(
        self,
        specs: KernelSpecs,
        *,
        tracking_uri: str,
        root_dir: Path,
        environment: Mapping[str, str],
        allowed: Sequence[str] = (),
        idle: float = 120.0,
    ) -> None:
        self._specs = specs
        self._tracking_uri = tracking_uri
        self._root_dir = root_dir
        self._environment = without_password(environment)  # no probe opens the store
        self._allowed = tuple(allowed)
        self._pool = ProbePool(idle)

    # --------------------------------------------------------------------------- what there is

    def list(self) -> KernelList:
        """Return the kernelspecs; problems that only a process can find are not looked for."""
        items = [self._seen_from_outside(name) for name in sorted(self._specs.find_kernel_specs())]
        usable = [kernel.name for kernel in items if kernel.problem is None]
        default = "python3" if "python3" in usable else usable[0] if usable else None
        return KernelList(items=items, default=default)

    def kernel(self, name: str) -> Kernel:
        """Return one kernelspec, checked from inside.

        Raises
        ------
        KernelError
            There is no kernelspec of that name.
        """
        kernel = self._seen_from_outside(name)
        if kernel.problem is None:
            try:
                self.check(name)
            except MLKitError as error:
                kernel.problem = as_body(error)
        return kernel

    def interpreter(self, name: str) -> Interpreter:
        """Return how to start Python as that kernel does."""
        return interpreter_of(name, self._spec(name))

    # ------------------------------------------------------------------------------- questions

    def check(self, name: str, timeout: float = CHECK_TIMEOUT) -> KernelFacts:
        """Return the facts of a kernel's environment if jobs can run in it.

        Raises
        ------
        KernelError
            Why not, with both versions and the command that mends it.
        """
        interpreter = self.interpreter(name)
        key, probe = self._probe(name, interpreter)
        try:
            facts = msgspec.json.decode(probe.ask("check", {}, timeout), type=KernelFacts)
            self._refuse_mismatch(interpreter, facts)
        except ProbeGoneError as error:
            self._pool.discard(key, probe)
            raise self._why_gone(interpreter, probe.stderr, error) from None
        except msgspec.ValidationError as error:
            self._pool.discard(key, probe)
            raise _mismatch(interpreter, f"of another version ({error})") from None
        except MLKitError:
            self._pool.discard(key, probe)
            raise
        return facts

    def ask(
        self, name: str, op: str, args: Mapping[str, Any], answer: type[T], timeout: float
    ) -> T:
        """Return the answer of a kernel's helper process; the kernel is checked first."""
        self.check(name, timeout)
        key, probe = self._probe(name, self.interpreter(name))
        try:
            return msgspec.json.decode(probe.ask(op, args, timeout), type=answer)
        except ProbeGoneError:
            self._pool.discard(key, probe)
            raise

    def close(self, timeout: float) -> None:
        """End the helper processes."""
        self._pool.close(timeout)

    def running(self) -> int:
        """Return how many helper processes run."""
        return len(self._pool)

    # --------------------------------------------------------------------------------- details

    def _spec(self, name: str) -> KernelSpec:
        if name not in self._specs.find_kernel_specs():
            raise KernelError(
                f"There is no kernelspec '{name}'.",
                hint="Choose one of: " + ", ".join(sorted(self._specs.find_kernel_specs())),
                code="kernelspec_missing",
                field="kernelspec",
            )
        try:
            return self._specs.get_kernel_spec(name)
        except (LookupError, OSError, TypeError, ValueError, TraitError) as error:
            # One unreadable kernel.json, or a provisioner that is not installed.
            raise KernelError(
                f"The kernelspec '{name}' cannot be used: {error}.",
                hint=f"Look into it: jupyter kernelspec list; or remove it: "
                f"jupyter kernelspec remove {name}",
                code="kernel_broken",
                field="kernelspec",
            ) from error

    def _seen_from_outside(self, name: str) -> Kernel:
        kernel = Kernel(name=name, display_name=name, language="", problem=None)
        try:
            spec = self._spec(name)
            kernel.display_name, kernel.language = spec.display_name, spec.language
            interpreter_of(name, spec)
        except KernelError as error:
            if error.code == "kernelspec_missing":
                raise
            kernel.problem = as_body(error)
        return kernel

    def _probe(self, name: str, interpreter: Interpreter) -> tuple[str, Probe]:
        # A kernelspec that was installed anew is another environment.
        key = repr((name, interpreter.command, sorted(interpreter.environment.items())))
        probe = self._pool.get(
            key,
            lambda: Probe(
                [*interpreter.command, "-m", "jupyter_mlkit.train", "probe"],
                self._environment_of(interpreter),
                self._root_dir,
            ),
        )
        return key, probe

    def _environment_of(self, interpreter: Interpreter) -> dict[str, str]:
        return child_environment(
            expanded(interpreter.environment), self._environment, allowed=self._allowed
        )

    def _refuse_mismatch(self, interpreter: Interpreter, facts: KernelFacts) -> None:
        if _series(facts.jupyter_mlkit) != _series(__version__):
            raise _mismatch(interpreter, facts.jupyter_mlkit)
        if facts.spec_version != SCHEMA_VERSION:
            raise _mismatch(
                interpreter,
                f"{facts.jupyter_mlkit} with specs of version {facts.spec_version} "
                f"(here: {SCHEMA_VERSION})",
            )
        expected = store_schema(self._tracking_uri)
        if expected is not None and facts.mlflow_schema != expected.revision:
            raise KernelError(
                f"The kernel has mlflow {facts.mlflow} (database schema {facts.mlflow_schema}), "
                f"the server has mlflow {expected.mlflow} (schema {expected.revision}): "
                "they cannot share a store.",
                hint=f'{_pip(interpreter)} "mlflow=={expected.mlflow}"',
                code="mlflow_schema_mismatch",
                field="kernelspec",
            )

    def _why_gone(
        self, interpreter: Interpreter, stderr: str, error: ProbeGoneError
    ) -> KernelError:
        """Tell a missing package from an old one and from a broken environment."""
        if "No module named" in stderr and "jupyter_mlkit" in stderr:
            version = self._installed_version(interpreter)
            if version is not None:
                return _mismatch(interpreter, version)
            return KernelError(
                "The kernel's environment has no jupyter_mlkit.",
                hint=f'{_pip(interpreter)} "jupyter_mlkit=={_series(__version__)}.*"',
                code="kernel_without_mlkit",
                field="kernelspec",
            )
        return KernelError(error.message, hint=error.hint, code=error.code, field="kernelspec")

    def _installed_version(self, interpreter: Interpreter) -> str | None:
        try:
            told = subprocess.run(
                [*interpreter.command, "-c", "import jupyter_mlkit as m; print(m.__version__)"],
                env=self._environment_of(interpreter),
                cwd=self._root_dir,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=CHECK_TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            raise KernelError(
                f"{interpreter.command[0]} did not tell within {CHECK_TIMEOUT:g} s which "
                "jupyter_mlkit it has.",
                hint="Try that interpreter in a terminal: import jupyter_mlkit",
                code="kernel_broken",
                field="kernelspec",
            ) from None
        return told.stdout.strip() or None if told.returncode == 0 else None


def _mismatch(interpreter: Interpreter, found: str) -> KernelError:
    return KernelError(
        f"The kernel has jupyter_mlkit {found}, the server has {__version__}.",
        hint=f'{_pip(interpreter)} "jupyter_mlkit=={_series(__version__)}.*"',
        code="kernel_version_mismatch",
        field="kernelspec",
    )


def _series(version: str) -> str:
    """Return major.minor; what changes behind that stays compatible."""
    return ".".join(version.split(".")[:2])


def _pip(interpreter: Interpreter) -> str:
    return f"{' '.join(interpreter.command)} -m pip install"
