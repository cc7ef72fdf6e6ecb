"""``%%mlkit_prepare``: a cell whose function makes the cube, in the kernel and in every job."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, magics_class

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

#: Name of the spec's part in the user's namespace.
PREPARE_NAME = "mlkit_prepare"


@magics_class
class PrepareMagics(Magics):
    """A cell that travels with a spec."""

    shell: InteractiveShell

    @cell_magic
    def mlkit_prepare(self, line: str, cell: str) -> None:
        """Define the function that makes the cube from the opened sources.

        The cell runs by itself, as it will in a job: it imports what it needs and sees no
        name of the notebook. What it defines is then there in the notebook, too, and
        ``mlkit_prepare`` is the part of a spec that holds it:
        ``train.run({..., "prepare": mlkit_prepare})``.

        Usage: ``%%mlkit_prepare [FUNCTION]`` (else the last function of the cell)
        """
        name = line.strip() or _last_function(cell)
        code = compile(cell, "<mlkit_prepare>", "exec")
        namespace: dict[str, Any] = {"__name__": "mlkit_prepare"}
        try:
            exec(code, namespace)  # noqa: S102  the cell is the user's own, in their own kernel
        except NameError as error:
            raise UsageError(
                f"{error}. The cell runs by itself in a job: import or define in it what it uses."
            ) from error
        if not callable(namespace.get(name)):
            raise UsageError(f"The cell defines no function '{name}'.")
        defined = {key: value for key, value in namespace.items() if not key.startswith("__")}
        self.shell.user_ns.update(defined)
        self.shell.user_ns[PREPARE_NAME] = {"function": name, "code": cell}


def _last_function(cell: str) -> str:
    names = [node.name for node in ast.parse(cell).body if isinstance(node, ast.FunctionDef)]
    if not names:
        raise UsageError(
            "The cell defines no function. Write def prepare(cube): ... that returns a Dataset."
        )
    return names[-1]
