"""What a run has used: time, memory, energy and CO2e, from two looks at the system.

Energy of the processor and of memory is, as in Green Algorithms (Lannelongue, Grealey and Inouye
2021, https://doi.org/10.1002/advs.202100707), ``runtime x (cores x power of a core x usage +
memory x 0.3725 W/GB)``: cores times usage times runtime is the CPU time that was measured. Where
the processor's own counter can be read, the share of the run in it takes the place of the first
term. The energy of GPUs is read from their own counters. The overhead of a data centre (PUE) is
left out.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

from .. import tags
from . import machine

#: Power of a core of "any" processor in Green Algorithms' table.
WATTS_PER_CORE = 12.0
WATTS_PER_GIGABYTE = 0.3725
#: World average of electricity (IEA, Global Energy & CO2 Status Report 2019).
WORLD_G_PER_KWH = 475.0
#: Grams of CO2e for a kilowatt hour where this machine stands: no machine knows where it is.
ENV_CARBON_INTENSITY = "JUPYTER_MLKIT_CARBON_INTENSITY"
_JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True)
class Reading:
    """The counters at one moment."""

    time: float = field(default_factory=time.monotonic)
    cpu: float = field(default_factory=machine.cpu_seconds)
    memory: int = field(default_factory=machine.memory)
    packages: dict[str, tuple[float, float]] = field(default_factory=machine.package_joules)
    busy: float | None = field(default_factory=machine.busy_seconds)


@dataclass
class Usage:
    """What was used, of one or several stretches of time that a run was open.

    Of the process with all that it has started: two runs that are open in one process at the
    same time both count what it does.
    """

    wall: float = 0.0
    cpu: float = 0.0
    cpu_joules: float = 0.0
    memory_joules: float = 0.0
    gpu_joules: float = 0.0
    is_measured: bool = True
    has_gpu: bool = False

    def add(self, start: Reading, end: Reading) -> None:
        """Add what was used between two readings."""
        wall, cpu = max(0.0, end.time - start.time), max(0.0, end.cpu - start.cpu)
        self.wall += wall
        self.cpu += cpu
        measured = _share_of_packages(start, end, cpu)
        self.is_measured &= measured is not None
        self.cpu_joules += cpu * WATTS_PER_CORE if measured is None else measured
        gigabytes = (start.memory + end.memory) / 2 / 1e9
        self.memory_joules += wall * gigabytes * WATTS_PER_GIGABYTE

    def add_gpus(self, start: dict[int, float], end: dict[int, float]) -> None:
        """Add the energy of GPUs between two readings of their counters, in joules."""
        for index in start.keys() & end.keys() if machine.uses_gpu() else ():
            self.has_gpu = True
            self.gpu_joules += max(0.0, end[index] - start[index])

    def metrics(self) -> dict[str, float]:
        """Return it as metrics, with the peaks of memory until now."""
        energy = (self.cpu_joules + self.memory_joules + self.gpu_joules) / _JOULES_PER_KWH
        peaks = machine.gpu_peaks()
        return {
            tags.WALL_SECONDS: self.wall,
            tags.CPU_SECONDS: self.cpu,
            tags.PEAK_MEMORY: machine.peak_memory() / 1e6,
            **{tags.GPU_PEAK_MEMORY.format(one): peak / 1e6 for one, peak in peaks.items()},
            tags.ENERGY: energy,
            tags.CO2E: energy * carbon_intensity()[0],
        }

    def method(self) -> dict[str, str]:
        """Return in tags how energy and CO2e were found."""
        cpu = (
            "processor measured (RAPL, by share of CPU time)"
            if self.is_measured
            else f"processor estimated ({WATTS_PER_CORE:g} W per busy core)"
        )
        gpu = "; GPU measured (NVML, whole devices)" if self.has_gpu else ""
        memory = f"memory estimated ({WATTS_PER_GIGABYTE} W per GB)"
        value, source = carbon_intensity()
        return {
            tags.ENERGY_METHOD: f"{cpu}; {memory}{gpu}; Green Algorithms, PUE 1",
            tags.CO2E_METHOD: f"{value:g} g per kWh, {source}",
        }


def carbon_intensity() -> tuple[float, str]:
    """Return the grams of CO2e for a kilowatt hour, and where the number is from."""
    given = os.environ.get(ENV_CARBON_INTENSITY, "")
    try:
        value = float(given)
    except ValueError:
        value = -1.0
    if 0 <= value < 1e5:
        return value, f"from {ENV_CARBON_INTENSITY}"
    return WORLD_G_PER_KWH, "world average (IEA 2019)"


def _share_of_packages(start: Reading, end: Reading, cpu: float) -> float | None:
    """Return the joules of the processors that belong to this process; None where unknown."""
    if not end.packages or start.packages.keys() != end.packages.keys():
        return None
    if start.busy is None or end.busy is None:
        return None
    used = 0.0
    for name, (joules, most) in end.packages.items():
        # The counter starts again when it is full.
        used += (joules - start.packages[name][0]) % most if most else 0.0
    # The sum of all processes is counted in whole ticks, so it may be a little short.
    return used * min(1.0, cpu / max(end.busy - start.busy, cpu, 1e-9))
