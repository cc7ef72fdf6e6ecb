"""What a run has used: measured where it can be, estimated by a stated formula else."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlkit.tracking import tags
from jupyter_mlkit.tracking.provenance import machine
from jupyter_mlkit.tracking.provenance.nvml import gpu_joules
from jupyter_mlkit.tracking.provenance.usage import (
    ENV_CARBON_INTENSITY,
    Reading,
    Usage,
    carbon_intensity,
)

_START = Reading(time=100.0, cpu=10.0, memory=2_000_000_000, packages={}, busy=1000.0)
_SPIN = "import time\nwhile time.process_time() < {}: pass\n"


def _later(**changes: Any) -> Reading:
    return replace(_START, time=3700.0, cpu=3610.0, busy=8200.0, **changes)


def test_an_hour_of_one_core_is_what_the_formula_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENV_CARBON_INTENSITY, raising=False)
    usage = Usage()
    usage.add(_START, _later(memory=4_000_000_000))
    found = usage.metrics()
    assert (found[tags.WALL_SECONDS], found[tags.CPU_SECONDS]) == (3600.0, 3600.0)
    # 12 W of a core and 0.3725 W for each of 3 GB.
    kwh = (12 + 3 * 0.3725) / 1000
    assert found[tags.ENERGY] == pytest.approx(kwh)
    assert found[tags.CO2E] == pytest.approx(kwh * 475)
    assert "estimated (12 W per busy core)" in usage.method()[tags.ENERGY_METHOD]
    assert usage.method()[tags.CO2E_METHOD] == "475 g per kWh, world average (IEA 2019)"


def test_a_run_that_is_continued_adds_up() -> None:
    usage = Usage()
    usage.add(_START, _later())
    once = usage.metrics()[tags.ENERGY]
    usage.add(_START, _later())
    assert usage.metrics()[tags.ENERGY] == pytest.approx(2 * once)
    assert usage.metrics()[tags.WALL_SECONDS] == 7200.0


def test_the_counter_of_the_processor_is_shared_by_time() -> None:
    usage = Usage()
    start = replace(_START, packages={"0": (900.0, 1000.0), "1": (0.0, 1000.0)})
    # The first has started again at zero: 200 J and 600 J, half of them by this process.
    usage.add(start, _later(packages={"0": (100.0, 1000.0), "1": (600.0, 1000.0)}, memory=0))
    assert usage.cpu_joules == pytest.approx(800 * 3600 / 7200)
    assert "measured (RAPL" in usage.method()[tags.ENERGY_METHOD]


def test_a_counter_that_cannot_be_read_at_the_end_is_not_used() -> None:
    usage = Usage()
    usage.add(replace(_START, packages={"0": (1.0, 10.0)}), _later())
    assert not usage.is_measured
    assert usage.cpu_joules == 3600 * 12


def test_packages_are_read_and_their_parts_are_not(tmp_path: Path) -> None:
    for name, joules in {"intel-rapl:0": 5, "intel-rapl:0:0": 3, "intel-rapl:1": 7}.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "energy_uj").write_text(f"{joules}000000\n")
        (folder / "max_energy_range_uj").write_text("9000000\n")
    (tmp_path / "intel-rapl:1" / "energy_uj").unlink()
    assert machine.package_joules(tmp_path) == {"intel-rapl:0": (5.0, 9.0)}
    assert machine.package_joules(tmp_path / "none") == {}


@pytest.mark.parametrize("given", ["40", "0", "nonsense", "-3", "", "nan", "inf"])
def test_a_site_may_say_what_its_electricity_is(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV_CARBON_INTENSITY, given)
    assert carbon_intensity()[0] == (float(given) if given in ("40", "0") else 475.0)


def test_time_of_what_was_started_counts_alive_or_not() -> None:
    before = machine.cpu_seconds()
    subprocess.run([sys.executable, "-c", _SPIN.format(0.3)], check=True, timeout=60)
    # The system counts in hundredths.
    assert machine.cpu_seconds() - before >= 0.3 - 0.02
    code = _SPIN.format(0.3) + "print('spun', flush=True)\ninput()\n"
    alive = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with alive:
        assert alive.stdout is not None
        assert alive.stdout.readline() == "spun\n"
        living = machine.cpu_seconds()
        assert living - before >= 0.58
        alive.communicate("\n", timeout=60)
    assert machine.cpu_seconds() >= living - 0.05


def test_peaks_are_at_least_what_is_held() -> None:
    held = bytearray(os.urandom(1)) * 50_000_000
    assert machine.peak_memory() > len(held)
    assert machine.memory() > len(held)
    assert machine.gpu_peaks() == {}


def test_torch_is_not_asked_before_it_has_started_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = SimpleNamespace(
        is_initialized=lambda: False,
        device_count=lambda: 2,
        max_memory_allocated=lambda index: [3_000_000, 0][index],
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))  # type: ignore[arg-type]
    assert machine.gpu_peaks() == {}
    cuda.is_initialized = lambda: True
    assert machine.gpu_peaks() == {0: 3_000_000}
    usage = Usage()
    usage.add_gpus({0: 10.0, 1: 5.0}, {0: 3_600_010.0, 2: 5.0})
    found = usage.metrics()
    assert found["system/gpu_0_peak_memory_megabytes"] == 3.0
    assert found[tags.ENERGY] == pytest.approx(1.0)
    assert "GPU measured (NVML" in usage.method()[tags.ENERGY_METHOD]


class _Driver:
    """NVIDIA's library with three devices, the last without a counter."""

    def __init__(self) -> None:
        self.open = 0

    def start(self) -> int:
        self.open += 1
        return 0

    def stop(self) -> int:
        self.open -= 1
        return 0

    @staticmethod
    def count(count: Any) -> int:
        count._obj.value = 3
        return 0

    @staticmethod
    def handle(index: int, device: Any) -> int:
        device._obj.value = index + 1
        return 0

    @staticmethod
    def energy(device: Any, millijoules: Any) -> int:
        millijoules._obj.value = device.value * 1500
        return 3 if device.value == 3 else 0

    def library(self) -> SimpleNamespace:
        return SimpleNamespace(
            nvmlInit_v2=self.start,
            nvmlShutdown=self.stop,
            nvmlDeviceGetCount_v2=self.count,
            nvmlDeviceGetHandleByIndex_v2=self.handle,
            nvmlDeviceGetTotalEnergyConsumption=self.energy,
        )


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        (None, {0: 1.5, 1: 3.0}),
        ("1", {1: 3.0}),
        ("7,0", {0: 1.5}),
        ("", {}),
        ("GPU-3f", {0: 1.5, 1: 3.0}),
    ],
)
def test_energy_of_gpus(
    visible: str | None, found: dict[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    driver = _Driver()
    assert gpu_joules(driver.library()) == found
    assert driver.open == 0
