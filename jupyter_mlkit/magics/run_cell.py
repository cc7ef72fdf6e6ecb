"""``%%mlkit_run`` and ``%mlkit_log``: MLflow runs from a notebook without ceremony."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from .traceback import run_cell_quietly

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

#: Name of the run in the user's namespace, during the cell and after it.
RUN_NAME = "mlkit_run"
_ASSIGNMENT = re.compile(r"^\s*([A-Za-z_][\w.\-/ ]*?)\s*=(?!=)")


@magics_class
class RunMagics(Magics):
    """A run around a cell, and values logged in a line."""

    shell: InteractiveShell

    @cell_magic
    def mlkit_run(self, line: str, cell: str) -> None:
        """Run the cell inside an MLflow run.

        The run ends as the cell does: FINISHED, FAILED on an error (which is raised as
        usual), KILLED on an interrupt. ``mlkit_run`` is the active run. Inside another run it
        becomes its child.

        Usage: ``%%mlkit_run [-e EXPERIMENT] [-n NAME] [--tag KEY=VALUE]...``
        """
        args = _parse_options(line)
        tags = dict(_tag(text) for text in args.tag)
        import mlflow

        from ..tracking.provenance.log import log_start
        from ..tracking.tags import END_REASON
        from ..train.store import use_store

        use_store()
        parent = mlflow.active_run()
        experiment_id = _experiment_id(args.experiment) if args.experiment else None
        run = mlflow.start_run(
            run_name=args.name,
            experiment_id=experiment_id,
            tags=tags or None,
            nested=parent is not None,
        )
        status = "FAILED"
        try:
            log_start(run.info.run_id)
            self.shell.user_ns[RUN_NAME] = run
            result = run_cell_quietly(self.shell, cell)
            status = _status(result)
            if status == "KILLED":
                mlflow.set_tag(END_REASON, "stopped")
        except KeyboardInterrupt:
            # Interrupted between the statements of the cell, where run_cell does not catch it.
            status = "KILLED"
            raise
        finally:
            _end(run.info.run_id, status)
        # Stops what follows (Run All, a headless execution) as the error itself would.
        result.raise_error()  # type: ignore[no-untyped-call]

    @line_magic
    def mlkit_log(self, line: str) -> None:
        """Log values to the active run: ``%mlkit_log rmse=err.std() model="ridge" step=3``.

        Each value is an expression over the notebook's names. A number becomes a metric, a
        string a param.
        """
        import mlflow

        pairs = parse_pairs(line)
        run = mlflow.active_run()
        if run is None:
            raise UsageError(
                "There is no active run to log to. Put %%mlkit_run on top of the cell, or call "
                "mlflow.start_run() first."
            )
        values = {name: self._value(name, text) for name, text in pairs}
        step = values.pop("step", None)
        if step is not None and (isinstance(step, bool) or int(step) != step):
            raise UsageError(f"step has to be an integer, this is {step!r}.")
        metrics, params = {}, {}
        for name, value in values.items():
            number = _number(value)
            if number is not None:
                metrics[name] = number
            elif isinstance(value, str):
                params[name] = value
            else:
                raise UsageError(
                    f"{name} is a {type(value).__name__}. Log a number (a metric) or a string "
                    "(a param)."
                )
        if params:
            mlflow.log_params(params)
        if metrics:
            mlflow.log_metrics(metrics, step=None if step is None else int(step))

    def _value(self, name: str, text: str) -> Any:
        if not text:
            raise UsageError(f"{name} has no value: write {name}=<expression>.")
        return self.shell.ev(text)  # type: ignore[no-untyped-call]


class _Options(argparse.ArgumentParser):
    """Options of a magic; what is wrong with them is a usage error, not the end of the kernel."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\n{self.format_usage()}")


def _parse_options(line: str) -> argparse.Namespace:
    parser = _Options(prog="%%mlkit_run", add_help=False)
    parser.add_argument("-e", "--experiment")
    parser.add_argument("-n", "--name")
    parser.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE")
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{error} in: {line}") from None
    return parser.parse_args(words)


def parse_pairs(line: str) -> list[tuple[str, str]]:
    """Split ``a=f(x, y) b="two words" step=3`` into names and expressions.

    A value ends where the rest of the line is a new ``name=`` and what came before is a whole
    Python expression, so that spaces, commas and keyword arguments may stand in it.

    Raises
    ------
    UsageError
        The line has no ``name=value``, or a value is not an expression.
    """
    rest = line.strip()
    pairs: list[tuple[str, str]] = []
    while rest:
        head = _ASSIGNMENT.match(rest)
        if head is None or " " in head.group(1):
            raise UsageError(f"Expected name=value at '{rest}'. Usage: %mlkit_log rmse=0.4 step=1")
        value, rest = _take_expression(rest[head.end() :])
        pairs.append((head.group(1), value))
    if not pairs:
        raise UsageError("Usage: %mlkit_log name=value [name=value ...] [step=N]")
    return pairs


def _take_expression(text: str) -> tuple[str, str]:
    """Return the shortest whole expression at the start of `text` that a name follows."""
    for gap in re.finditer(r"[\s,]+(?=[A-Za-z_][\w.\-/]*\s*=(?!=))", text):
        candidate = text[: gap.start()].strip()
        if _is_expression(candidate):
            return candidate, text[gap.end() :]
    whole = text.strip().rstrip(",")
    if whole and not _is_expression(whole):
        raise UsageError(f"'{whole}' is not a Python expression.")
    return whole, ""


def _is_expression(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return True


def _number(value: Any) -> float | None:
    """Return `value` as a float where it is one number: also of numpy, torch or xarray."""
    if isinstance(value, str | bytes):
        return None
    shape = getattr(value, "shape", ())
    if tuple(shape) not in ((), (1,)):
        return None
    try:
        return float(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError):
        return None


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"A tag is written key=value, this is '{text}'.")
    return key.strip(), value


def _experiment_id(name: str) -> str:
    from ..train.store import experiment_id

    return experiment_id(name)


def _status(result: ExecutionResult) -> str:
    error = result.error_before_exec or result.error_in_exec
    if error is None:
        return "FINISHED"
    return "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"


def _end(run_id: str, status: str) -> None:
    """End the run, unless the cell has ended it itself."""
    import mlflow

    from ..tracking.provenance.log import log_end

    active = mlflow.active_run()
    if active is not None and active.info.run_id == run_id:
        log_end(run_id)
        mlflow.end_run(status)
