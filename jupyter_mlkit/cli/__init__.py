"""``jupyter mlkit``: the same rooms from a terminal. One command, one file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import MLKitError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 a problem that is explained, 2 usage."""
    parser = _parser()
    args = parser.parse_args(argv)
    command: Callable[[argparse.Namespace], int] = args.command
    try:
        return command(args)
    except MLKitError as error:
        _explain(error)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _explain(error: MLKitError) -> None:
    where = f" ({error.field})" if error.field else ""
    print(f"{error.code}{where}: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jupyter mlkit",
        description="Machine-learning experiment tracking on datacubes, from a terminal.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    cube = commands.add_parser("demo-cube", help="write the demo cube")
    cube.add_argument("path", type=Path)
    cube.add_argument("--size", default="10 MB", help='decoded size, "10 MB" to "50 GB"')
    cube.add_argument("--seed", type=int, default=0)
    cube.add_argument("--overwrite", action="store_true", help="replace a cube that is there")
    cube.set_defaults(command=_demo_cube)

    demo = commands.add_parser("demo", help="the main job without a browser: a smoke test")
    demo.add_argument(
        "--dir",
        type=Path,
        default=None,
        help="keep cube, prediction and map there (default: a folder under the data directory)",
    )
    demo.set_defaults(command=_demo)

    train = commands.add_parser(
        "train",
        help="train from a spec, here and now",
        description="Train from a spec in this environment and wait for it. The spec's kernelspec "
        "is for jobs that the Lab starts, and is not used here.",
    )
    train.add_argument("spec", type=Path, help="a TrainingSpec as YAML or JSON")
    train.set_defaults(command=_train)

    predict = commands.add_parser("predict", help="put a model's predictions on a cube")
    predict.add_argument("model", help="run id, runs:/… or models:/name@alias")
    predict.add_argument("cube", help="path or URL of the cube to predict on")
    predict.add_argument("output", type=Path, help="zarr cube to write")
    predict.set_defaults(command=_predict)

    trust = commands.add_parser(
        "trust",
        help="let the code that lies in a model run",
        description="Loading a pickle runs code. Trust is given to the very files that the model "
        "has now and is written down with your name and the reason.",
    )
    trust.add_argument("model", help="run id, runs:/… or models:/name@alias")
    trust.add_argument("--reason", default="", help="why, for those who read the book later")
    trust.set_defaults(command=_trust)

    notebook = commands.add_parser(
        "notebook",
        help="write the notebook as it was for a run",
        description="Build a notebook from the cells that a run has stored. Outputs are not "
        "stored, and secrets are replaced.",
    )
    notebook.add_argument("run", help="id of the run")
    notebook.add_argument(
        "-o", "--output", type=Path, default=None, help="file to write (default: a new one here)"
    )
    notebook.set_defaults(command=_notebook)

    sync = commands.add_parser(
        "sync",
        help="bring what was logged to its store, now",
        description="What is logged goes to a journal first, and from there to the tracking store "
        "as soon as that can be reached. This does it now, and tells what waits and why.",
    )
    sync.add_argument("--status", action="store_true", help="only tell what waits")
    sync.set_defaults(command=_sync)

    upgrade = commands.add_parser(
        "upgrade",
        help="make an old store one that this MLflow opens",
        description="A database of an older MLflow gets the present schema, after a backup. The "
        "runs of an mlruns folder are copied into the store in use, and the folder is left alone.",
    )
    upgrade.add_argument(
        "old",
        nargs="?",
        help="a database file, or a folder that is or has an mlruns (default: the store in use)",
    )
    upgrade.add_argument("--yes", action="store_true", help="do not ask")
    upgrade.set_defaults(command=_upgrade)

    workspace = commands.add_parser("workspace", help="make a folder to try the kit in")
    workspace.add_argument("path", type=Path)
    workspace.set_defaults(command=_workspace)

    doctor = commands.add_parser(
        "doctor", help="what is installed, enabled, reachable, and reachable for others"
    )
    doctor.add_argument("--cube", help="a path or URL that a job is to read")
    doctor.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="storage option of the cube, such as profile=mine; may be repeated",
    )
    doctor.add_argument("--kernel", default="python3", help="kernelspec of that job")
    doctor.set_defaults(command=_doctor)
    return parser


def _demo_cube(args: argparse.Namespace) -> int:
    from ..cubes.demo.cube import make_demo_cube

    make_demo_cube(args.path, size=args.size, seed=args.seed, overwrite=args.overwrite)
    print(f"Wrote {args.path}.")
    return 0


def _demo(args: argparse.Namespace) -> int:
    from .demo import run_demo

    return run_demo(args.dir)


def _train(args: argparse.Namespace) -> int:
    from .train import train_from_file

    return train_from_file(args.spec)


def _predict(args: argparse.Namespace) -> int:
    from .train import predict_to_path

    return predict_to_path(args.model, args.cube, args.output)


def _trust(args: argparse.Namespace) -> int:
    from .trust import trust

    return trust(args.model, args.reason)


def _notebook(args: argparse.Namespace) -> int:
    from .notebook import write_notebook

    return write_notebook(args.run, args.output)


def _sync(args: argparse.Namespace) -> int:
    from .sync import sync

    return sync(status=args.status)


def _upgrade(args: argparse.Namespace) -> int:
    from .upgrade import upgrade

    return upgrade(args.old, yes=args.yes)


def _workspace(args: argparse.Namespace) -> int:
    from .workspace import make_workspace

    return make_workspace(args.path)


def _doctor(args: argparse.Namespace) -> int:
    from .doctor import examine

    return examine(args.cube, args.option, args.kernel)
