from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from jupyter_mlkit import __version__
from jupyter_mlkit.errors import (
    BackendTimeoutError,
    InvalidInputError,
    KernelError,
    MLKitError,
)
from jupyter_mlkit.jobs.environment import expanded
from jupyter_mlkit.jobs.interpreter import interpreter_of
from jupyter_mlkit.jobs.kernels import Kernels
from jupyter_mlkit.jobs.probe import Probe
from jupyter_mlkit.jobs.submission import validate, wrong_fields
from jupyter_mlkit.models import EstimatorList
from jupyter_mlkit.spec import SCHEMA_VERSION

from .kernelspecs import (
    bare_environment,
    environment_without,
    install,
    kernel_argv,
    other_package,
)


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    return tmp_path / "share"


@pytest.fixture
def make_kernels(
    specs: Path, tmp_path: Path, new_store: Callable[[], Path]
) -> Iterator[Callable[..., Kernels]]:
    made: list[Kernels] = []
    store = new_store()

    def make(**options: Any) -> Kernels:
        manager = KernelSpecManager(
            kernel_dirs=[str(specs / "kernels")], ensure_native_kernel=False
        )
        options = {
            "tracking_uri": f"sqlite:///{store}",
            "root_dir": tmp_path,
            "environment": {},
        } | options
        made.append(Kernels(manager, **options))
        return made[-1]

    yield make
    for kernels in made:
        kernels.close(2)
        assert kernels.running() == 0


def refusal(kernels: Kernels, name: str) -> KernelError:
    with pytest.raises(KernelError) as raised:
        kernels.check(name)
    assert raised.value.field == "kernelspec"
    assert raised.value.hint
    assert kernels.running() == 0, "a useless helper does not stay"
    kernel_problem = (
        kernels.kernel(name).problem if raised.value.code != "kernelspec_missing" else 1
    )
    assert kernel_problem is not None
    return raised.value


def test_missing_kernelspec(make_kernels: Callable[..., Kernels], specs: Path) -> None:
    install(specs, "there", kernel_argv(sys.executable))
    error = refusal(make_kernels(), "elsewhere")
    assert error.code == "kernelspec_missing"
    assert "there" in str(error.hint)


def test_not_python(make_kernels: Callable[..., Kernels], specs: Path) -> None:
    install(specs, "bash", ["bash", "-i"], language="bash")
    error = refusal(make_kernels(), "bash")
    assert (error.code, error.status) == ("kernel_not_python", 400)
    assert "bash" in error.message


def test_interpreter_that_is_gone(make_kernels: Callable[..., Kernels], specs: Path) -> None:
    install(specs, "moved", kernel_argv("/no/such/bin/python"))
    error = refusal(make_kernels(), "moved")
    assert error.code == "kernel_broken"
    assert "/no/such/bin/python" in error.message


def test_kernels_that_are_started_elsewhere(
    make_kernels: Callable[..., Kernels], specs: Path
) -> None:
    provisioner = {"kernel_provisioner": {"provisioner_name": "yarn-provisioner"}}
    install(specs, "far", kernel_argv(sys.executable), metadata=provisioner)
    assert refusal(make_kernels(), "far").code == "kernel_broken"
    spec = _Spec(*kernel_argv(sys.executable))
    spec.metadata = provisioner
    with pytest.raises(KernelError, match="yarn"):
        interpreter_of("far", spec)


def test_one_broken_kernelspec_does_not_hide_the_others(
    make_kernels: Callable[..., Kernels], specs: Path
) -> None:
    install(specs, "good", kernel_argv(sys.executable))
    install(specs, "empty", [])
    for name, text in {"text": "{", "types": '{"argv": 3}', "list": "[]"}.items():
        install(specs, name, [])
        (specs / "kernels" / name / "kernel.json").write_text(text)
    kernels = make_kernels().list()
    assert kernels.default == "good"
    problems = {kernel.name: kernel.problem and kernel.problem.code for kernel in kernels.items}
    broken = dict.fromkeys(["empty", "text", "types", "list"], "kernel_broken")
    assert problems == {"good": None} | broken


def test_environment_without_our_package(
    make_kernels: Callable[..., Kernels], specs: Path, tmp_path: Path
) -> None:
    python = bare_environment(tmp_path / "env")
    install(specs, "bare", kernel_argv(python))
    error = refusal(make_kernels(), "bare")
    assert error.code == "kernel_without_mlkit"
    assert error.hint == f'{python} -m pip install "jupyter_mlkit==0.1.*"'


@pytest.mark.parametrize("has_probe", [True, False])
def test_environment_with_an_older_package(
    make_kernels: Callable[..., Kernels], specs: Path, tmp_path: Path, has_probe: bool
) -> None:
    facts = {"jupyter_mlkit": "0.0.7", "spec_version": 1, "mlflow": "3.17.2"}
    facts |= {"mlflow_schema": "x", "python": "3.11"}
    path = other_package(tmp_path / "old", "0.0.7", facts if has_probe else None)
    python = bare_environment(tmp_path / "env")
    install(specs, "old", kernel_argv(python), env={"PYTHONPATH": path})
    error = refusal(make_kernels(), "old")
    assert error.code == "kernel_version_mismatch"
    assert "0.0.7" in error.message
    assert __version__ in error.message
    assert f'{python} -m pip install "jupyter_mlkit==0.1.*"' == error.hint


def test_environment_with_specs_of_another_version(
    make_kernels: Callable[..., Kernels], specs: Path, tmp_path: Path
) -> None:
    facts = {"jupyter_mlkit": __version__, "spec_version": SCHEMA_VERSION + 1, "mlflow": "3.17.2"}
    facts |= {"mlflow_schema": "x", "python": "3.11"}
    path = other_package(tmp_path / "new", __version__, facts)
    install(specs, "new", kernel_argv(sys.executable), env={"PYTHONPATH": path})
    error = refusal(make_kernels(root_dir=tmp_path / "new"), "new")
    assert error.code == "kernel_version_mismatch"
    assert str(SCHEMA_VERSION + 1) in error.message


def test_environment_with_another_database_schema(
    make_kernels: Callable[..., Kernels], specs: Path, tmp_path: Path
) -> None:
    facts = {"jupyter_mlkit": __version__, "spec_version": SCHEMA_VERSION, "mlflow": "3.1.0"}
    facts |= {"mlflow_schema": "0123456789ab", "python": "3.11"}
    path = other_package(tmp_path / "same", __version__, facts)
    install(specs, "same", kernel_argv(sys.executable), env={"PYTHONPATH": path})
    kernels = make_kernels(root_dir=tmp_path / "same")
    error = refusal(kernels, "same")
    assert error.code == "mlflow_schema_mismatch"
    assert "mlflow 3.1.0" in error.message
    assert "0123456789ab" in error.message
    assert "mlflow 3.17" in error.message
    assert '-m pip install "mlflow==3.17' in str(error.hint)
    # Behind a tracking server the schema is that server's own affair.
    behind = make_kernels(root_dir=tmp_path / "same", tracking_uri="http://127.0.0.1:9")
    assert behind.check("same").mlflow == "3.1.0"


def test_good_kernel_answers_and_its_helper_is_reused(
    make_kernels: Callable[..., Kernels], specs: Path
) -> None:
    install(specs, "python3", kernel_argv(sys.executable))
    kernels = make_kernels()
    assert kernels.list().default == "python3"
    assert kernels.running() == 0, "a list starts nothing"
    assert kernels.kernel("python3").problem is None
    first = {probe.pid for probe in kernels._pool._probes.values()}
    with pytest.raises(InvalidInputError) as raised:
        kernels.ask("python3", "describe", {"uri": "nothing.zarr"}, EstimatorList, 60)
    assert raised.value.code == "cube_not_found"
    assert {probe.pid for probe in kernels._pool._probes.values()} == first


def test_default_is_a_kernel_that_can_work(
    make_kernels: Callable[..., Kernels], specs: Path
) -> None:
    install(specs, "aaa", ["bash"], language="bash")
    install(specs, "zzz", kernel_argv("python"))
    kernels = make_kernels()
    assert kernels.list().default == "zzz"
    assert kernels.interpreter("zzz").command == (sys.executable,)


def test_slow_helper_is_killed(
    make_kernels: Callable[..., Kernels], specs: Path, tmp_path: Path
) -> None:
    slow = tmp_path / "slow"
    slow.write_text(f"#!{sys.executable}\nimport time; time.sleep(60)\n")
    slow.chmod(0o755)
    install(specs, "slow", [str(slow)])
    kernels = make_kernels()
    with pytest.raises(BackendTimeoutError):
        kernels.check("slow", timeout=0.3)
    assert kernels.running() == 0


def test_broken_environment_shows_its_last_words(
    make_kernels: Callable[..., Kernels], specs: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.write_text(f"#!{sys.executable}\nimport sys; sys.exit('libc.so.9 is missing')\n")
    broken.chmod(0o755)
    install(specs, "broken", [str(broken)])
    error = refusal(make_kernels(), "broken")
    assert error.code == "kernel_broken"
    assert "libc.so.9 is missing" in error.message


def test_idle_helper_ends(make_kernels: Callable[..., Kernels], specs: Path) -> None:
    facts = {"jupyter_mlkit": __version__, "spec_version": SCHEMA_VERSION, "mlflow": "x"}
    facts |= {"mlflow_schema": "x", "python": "3.11"}
    path = other_package(specs / "package", __version__, facts)
    install(specs, "quick", kernel_argv(sys.executable), env={"PYTHONPATH": path})
    kernels = make_kernels(idle=0.2, tracking_uri="http://127.0.0.1:9", root_dir=specs / "package")
    kernels.check("quick")
    (probe,) = kernels._pool._probes.values()
    assert probe._process.wait(timeout=20) is not None
    assert kernels.running() == 0
    kernels.check("quick")
    assert kernels.running() == 1


class _Spec:
    """A kernelspec in memory."""

    display_name, language, resource_dir = "k", "python", "/resources"

    def __init__(self, *argv: str) -> None:
        self.argv = list(argv)
        self.env: dict[str, str] = {}
        self.metadata: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (["{p}", "-m", "ipykernel_launcher", "-f", "{connection_file}"], ["{p}"]),
        (
            ["{p}", "-Xfrozen_modules=off", "-m", "ipykernel", "-f", "x"],
            ["{p}", "-Xfrozen_modules=off"],
        ),
        (
            ["{p}", "-m", "runner", "/e", "python", "-m", "ipykernel_launcher"],
            ["{p}", "-m", "runner", "/e", "python"],
        ),
        (["{p}", "{resource_dir}/start.py", "-m", "ipykernel"], ["{p}", "/resources/start.py"]),
        (["{p}", "/x/ipykernel_launcher.py", "-f", "{connection_file}"], ["{p}"]),
        (["python3.11", "-m", "ipykernel_launcher"], ["{p}"]),
    ],
)
def test_command_before_the_kernel(argv: list[str], command: list[str]) -> None:
    p = sys.executable
    found = interpreter_of("k", _Spec(*[word.replace("{p}", p) for word in argv]))
    assert list(found.command) == [word.replace("{p}", p) for word in command]


def test_names_that_mean_another_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (major, minor), other = sys.version_info[:2], tmp_path / "python2.7"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    for own in ("python", f"python{major}", f"python{major}.{minor}"):
        assert interpreter_of("k", _Spec(own, "-m", "ipykernel")).command == (sys.executable,)
    assert interpreter_of("k", _Spec("python2.7", "-m", "ipykernel")).command == (str(other),)
    with pytest.raises(KernelError, match=r"python3\.1\b") as raised:
        interpreter_of("k", _Spec("python3.1", "-m", "ipykernel"))
    assert raised.value.code == "kernel_broken"


def test_interpreter_that_does_not_tell_its_version(
    make_kernels: Callable[..., Kernels],
    specs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jupyter_mlkit.jobs.kernels.CHECK_TIMEOUT", 0.2)
    stuck = tmp_path / "stuck"
    stuck.write_text(
        f"#!{sys.executable}\nimport sys, time\n"
        "if sys.argv[1] == '-c': time.sleep(60)\n"
        "sys.exit('No module named jupyter_mlkit.train')\n"
    )
    stuck.chmod(0o755)
    install(specs, "stuck", [str(stuck)])
    with pytest.raises(KernelError, match="did not tell") as raised:
        make_kernels().check("stuck", timeout=20)
    assert (raised.value.code, raised.value.field) == ("kernel_broken", "kernelspec")
    assert raised.value.hint


def test_what_a_helper_did_not_foresee_is_for_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    error = {"code": "internal_error", "message": "error: argument out of range"}
    error |= {"hint": None, "field": None}
    code = f"""
import json, sys
question = json.loads(sys.stdin.readline())
print("Traceback: here", file=sys.stderr, flush=True)
print(json.dumps({{"id": question["id"], "ok": False, "error": {error!r}}}), flush=True)
sys.stdin.read()
"""
    probe = Probe([sys.executable, "-c", code], dict(os.environ), tmp_path)
    with pytest.raises(MLKitError) as raised:
        probe.ask("describe", {}, 20)
    probe.close()
    assert (raised.value.code, raised.value.status) == ("internal_error", 500)
    assert "argument out of range" not in raised.value.message
    assert "log" in str(raised.value.hint)
    assert "'describe': error: argument out of range" in caplog.text


def test_a_framework_that_the_kernel_lacks_is_named(
    make_kernels: Callable[..., Kernels], specs: Path, tmp_path: Path
) -> None:
    python = environment_without(tmp_path / "lacking", "sklearn", "scikit_learn")
    install(specs, "lacking", kernel_argv(python))
    kernels = make_kernels()
    assert kernels.kernel("lacking").problem is None, "trainings of another framework can run"
    spec = {
        "sources": [{"uri": "cube.zarr"}],
        "target": "y",
        "features": ["x"],
        "split": {"kind": "block", "sizes": {"lat": "2 deg"}},
        "model": {"class": "sklearn.linear_model.Ridge"},
        "kernelspec": "lacking",
    }
    found = validate(spec, kernels, 60)
    (error,) = [one for one in found.errors if one.field == "model.class"]
    assert error.code == "framework_missing"
    assert "scikit-learn is not installed" in error.message
    assert str(tmp_path / "lacking") in error.message
    assert error.hint == f"{python} -m pip install scikit-learn"
    with pytest.raises(MLKitError) as raised:
        kernels.ask("lacking", "estimators", {}, EstimatorList, 60)
    assert raised.value.code == "framework_missing"


def test_a_secret_is_named_as_one() -> None:
    spec = {
        "sources": [{"uri": "s3://a/b.zarr", "options": {"secret": "x"}}],
        "target": "y",
        "features": ["x"],
        "split": {"kind": "block", "sizes": {"lat": "2 deg"}},
    }
    errors = wrong_fields(spec)
    assert [error.code for error in errors] == ["secret_in_spec"]
    spec["target"] = 3
    assert sorted(error.code for error in wrong_fields(spec)) == ["invalid_spec", "secret_in_spec"]


def test_environment_of_the_kernelspec_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE", "/site")
    spec = _Spec(sys.executable, "-m", "ipykernel_launcher")
    spec.env = {"A": "${SITE}/a", "B": "$NOTHING"}
    assert expanded(interpreter_of("k", spec).environment) == {"A": "/site/a", "B": "$NOTHING"}
    assert os.environ["SITE"] == "/site"
