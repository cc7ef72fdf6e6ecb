"""Run every check of the project, say how long each took, and end with one line of counts.

``make test`` and ``make test-fast`` call this inside ``.venv``; it needs the standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / ".workspace" / "checks"
MAX_LINES = 600


@dataclass
class Outcome:
    """What a step has found."""

    passed: int = 0
    failed: int = 0
    times: list[tuple[float, str]] = field(default_factory=list)


def _run(*command: str, cwd: Path = ROOT) -> bool:
    print(f"$ {' '.join(command)}", flush=True)
    return subprocess.run(command, cwd=cwd, check=False).returncode == 0


def _commands(*commands: tuple[str, ...]) -> Outcome:
    results = [_run(*command) for command in commands]
    return Outcome(passed=sum(results), failed=len(results) - sum(results))


# ------------------------------------------------------------------------------------ lint


def lint() -> Outcome:
    """Linters, formatters, types, import rules: all at zero."""
    return _commands(
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("lint-imports", "--no-cache"),
        ("jlpm", "prettier:check"),
        ("jlpm", "eslint:check"),
        ("jlpm", "stylelint:check"),
        ("jlpm", "tsc", "--project", "tsconfig.test.json"),
    )


def generated() -> Outcome:
    """Generated files are what their sources make today."""
    outcome = _commands((sys.executable, "-m", "jupyter_mlkit.api.openapi", "--check"))
    schema = ROOT / "src" / "api" / "schema.ts"
    before = schema.read_text()
    made = _run("jlpm", "build:api")
    current = made and schema.read_text() == before
    schema.write_text(before)
    if not current:
        print("src/api/schema.ts is not what openapi.yaml makes: run `jlpm build:api`.")
    return Outcome(passed=outcome.passed + current, failed=outcome.failed + (not current))


def sizes() -> Outcome:
    """Look for files that have grown past one idea."""
    files = subprocess.run(
        ["git", "ls-files", "*.py", "*.ts", "*.tsx", "*.css"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    generated_files = {"src/api/schema.ts"}
    lengths = {
        name: len((ROOT / name).read_text().splitlines())
        for name in files
        if name not in generated_files and (ROOT / name).is_file()
    }
    long = {name: n for name, n in lengths.items() if n > MAX_LINES}
    for name, n in long.items():
        print(f"{name} has {n} lines, more than {MAX_LINES}: it holds two ideas.")
    ordered = sorted(lengths.values())
    print(f"{len(ordered)} source files, median {ordered[len(ordered) // 2]} lines")
    return Outcome(passed=int(not long), failed=len(long))


# ----------------------------------------------------------------------------------- tests


def python_tests() -> Outcome:
    """Run pytest, the notebooks among it."""
    report = OUT / "pytest.xml"
    report.unlink(missing_ok=True)
    _run(sys.executable, "-m", "pytest", "-q", f"--junitxml={report}")
    if not report.exists():
        return Outcome(failed=1)
    outcome = Outcome()
    for case in ET.parse(report).getroot().iter("testcase"):
        bad = any(child.tag in ("failure", "error") for child in case)
        skipped = any(child.tag == "skipped" for child in case)
        outcome.failed += bad
        outcome.passed += not bad and not skipped
        path = case.get("classname", "").replace(".", "/")
        outcome.times.append((float(case.get("time", 0)), f"{path}::{case.get('name')}"))
    return outcome


def jest() -> Outcome:
    """Run the TypeScript unit tests."""
    report = OUT / "jest.json"
    report.unlink(missing_ok=True)
    _run("jlpm", "jest", "--silent", "--json", f"--outputFile={report}")
    if not report.exists():
        return Outcome(failed=1)
    found = json.loads(report.read_text())
    outcome = Outcome(
        found["numPassedTests"], found["numFailedTests"] + found["numRuntimeErrorTestSuites"]
    )
    for suite in found["testResults"]:
        name = str(Path(suite["name"]).relative_to(ROOT))
        for test in suite["assertionResults"]:
            seconds = (test.get("duration") or 0) / 1000
            outcome.times.append((seconds, f"{name}::{test['title']}"))
    return outcome


def browser() -> Outcome:
    """Do in a real browser what a user does: one Playwright project per kind of server."""
    report = OUT / "playwright.json"
    report.unlink(missing_ok=True)
    os.environ["PLAYWRIGHT_JSON_OUTPUT_NAME"] = str(report)
    _run("node_modules/.bin/playwright", "test", "--reporter=list,json", cwd=ROOT / "ui-tests")
    if not report.exists():
        return Outcome(failed=1)
    found = json.loads(report.read_text())
    stats = found["stats"]
    outcome = Outcome(
        stats["expected"], stats["unexpected"] + stats["flaky"] + len(found["errors"])
    )
    for suite in found["suites"]:
        _collect(suite, "ui-tests/tests", outcome.times)
    return outcome


def _collect(suite: dict, path: str, times: list[tuple[float, str]]) -> None:
    for spec in suite.get("specs", []):
        seconds = sum(r["duration"] for t in spec["tests"] for r in t["results"]) / 1000
        times.append((seconds, f"{path}/{suite['file']}::{spec['title']}"))
    for inner in suite.get("suites", []):
        _collect(inner, path, times)


# ------------------------------------------------------------------------------------ main

STEPS = {
    "lint": lint,
    "generated": generated,
    "sizes": sizes,
    "pytest": python_tests,
    "jest": jest,
    "browser": browser,
}
FAST = ("lint", "jest")


def main() -> int:
    """Run the steps asked for; 0 if all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--fast", action="store_true", help="the inner loop: lint, jest, fast pytest"
    )
    parser.add_argument("--only", choices=list(STEPS), action="append")
    args = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    names = args.only or (FAST if args.fast else list(STEPS))

    total = Outcome()
    spent: dict[str, float] = {}
    for name in names:
        print(f"\n=== {name}", flush=True)
        start = time.monotonic()
        outcome = STEPS[name]()
        spent[name] = time.monotonic() - start
        total.passed += outcome.passed
        total.failed += outcome.failed
        total.times += outcome.times
        print(f"--- {name}: {outcome.passed} passed, {outcome.failed} failed, {spent[name]:.1f} s")
    if args.fast:
        start = time.monotonic()
        good = _run(sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow", "--timeout=60")
        spent["pytest"] = time.monotonic() - start
        total.passed += good
        total.failed += not good

    _print_times(total.times, spent)
    print(f"\n{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or not total.passed else 0


def _print_times(times: list[tuple[float, str]], spent: dict[str, float]) -> None:
    folders: dict[str, float] = defaultdict(float)
    for seconds, name in times:
        folders[str(Path(name.split("::")[0]).parent)] += seconds
    print("\nseconds per folder")
    for folder, seconds in sorted(folders.items(), key=lambda item: -item[1]):
        print(f"{seconds:8.1f}  {folder}")
    print("\nslowest tests")
    for seconds, name in sorted(times, reverse=True)[:20]:
        print(f"{seconds:8.1f}  {name}")
    print("\nseconds per step")
    for name, seconds in spent.items():
        print(f"{seconds:8.1f}  {name}")


if __name__ == "__main__":
    sys.exit(main())
