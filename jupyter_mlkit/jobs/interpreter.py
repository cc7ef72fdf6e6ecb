"""From a kernelspec to the command that starts Python in its environment."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import KernelError
from .environment import expanded, without_tokens

#: As jupyter_client does: these bare names mean the interpreter of the server, others do not.
_OWN_NAMES = (
    "python",
    "python{}".format(*sys.version_info),
    "python{}.{}".format(*sys.version_info),
)


class KernelSpec(Protocol):
    """What we read of ``jupyter_client``'s kernelspec."""

    argv: list[str]
    display_name: str
    language: str
    env: dict[str, str]
    metadata: dict[str, Any]
    resource_dir: str


@dataclass(frozen=True)
class Interpreter:
    """How to start Python as a kernel would.

    Attributes
    ----------
    command : tuple of str
        Interpreter with its wrappers and options, ready for ``-m module``.
    environment : dict
        Variables that the kernelspec adds, as they stand there; :func:`.environment.expanded`
        fills in those of the server when something is started.
    """

    command: tuple[str, ...]
    environment: dict[str, str]


def interpreter_of(name: str, spec: KernelSpec) -> Interpreter:
    """Return the interpreter of a kernelspec.

    Everything before ``-m ipykernel_launcher`` is kept, so wrappers (``conda run``,
    ``nb_conda_kernels``, a module loader script) and options of Python work as for kernels.

    Raises
    ------
    KernelError
        ``kernel_not_python`` or ``kernel_broken``.
    """
    if (spec.language or "").lower() != "python":
        raise KernelError(
            f"The kernel '{spec.display_name}' runs {spec.language or 'no known language'}, "
            "trainings need Python.",
            hint="Choose a Python kernel.",
            code="kernel_not_python",
            field="kernelspec",
        )
    provisioner = spec.metadata.get("kernel_provisioner", {}).get("provisioner_name")
    if provisioner not in (None, "local-provisioner"):
        raise _broken(
            f"The kernel '{spec.display_name}' is started elsewhere (by {provisioner}).",
            "Choose a kernel that runs on this machine.",
        )
    if not spec.argv:
        raise _broken(f"The kernelspec '{name}' has no command.", "Install it anew.")
    environment = without_tokens(spec.env)
    command = _filled_in(_before_kernel(spec.argv), spec.resource_dir)
    found = _find(command[0], expanded(environment))
    if found is None:
        raise _broken(
            f"The interpreter of the kernel '{spec.display_name}' is missing: {command[0]}.",
            "Its environment was moved or removed: install the kernelspec anew, "
            f"or remove it: jupyter kernelspec remove {name}",
        )
    return Interpreter(command=(found, *command[1:]), environment=environment)


def _before_kernel(argv: Sequence[str]) -> list[str]:
    modules = [i for i, word in enumerate(argv[:-1]) if word == "-m"]
    kernels = [i for i in modules if argv[i + 1].startswith("ipykernel")]
    cut = kernels[-1] if kernels else modules[0] if modules else 1
    return list(argv[: max(1, cut)])


def _filled_in(command: Sequence[str], resource_dir: str) -> list[str]:
    known = {"prefix": sys.prefix, "resource_dir": resource_dir}
    return [
        re.sub(r"\{(prefix|resource_dir)\}", lambda match: known[match.group(1)], word)
        for word in command
    ]


def _find(program: str, environment: Mapping[str, str]) -> str | None:
    if program in _OWN_NAMES:
        return sys.executable
    return shutil.which(program, path=environment.get("PATH"))


def _broken(message: str, hint: str) -> KernelError:
    return KernelError(message, hint=hint, code="kernel_broken", field="kernelspec")
