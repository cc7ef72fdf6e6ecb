"""Energy that GPUs have used, from NVIDIA's own library where a driver has brought it."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

_DEVICE = Path("/dev/nvidiactl")
_LIBRARY = "libnvidia-ml.so.1"


def gpu_joules(library: Any = None) -> dict[int, float]:
    """Return the energy that each visible GPU has used since its driver was loaded, in joules.

    Of the whole device, whoever used it. Empty where there is no driver, or where the device
    has no such counter (before Volta).

    Parameters
    ----------
    library : optional
        What ``ctypes.CDLL`` returns; by default that of the driver.
    """
    if library is None:
        if not _DEVICE.exists():
            return {}
        try:
            library = ctypes.CDLL(_LIBRARY)
        except OSError:
            return {}
    if library.nvmlInit_v2() != 0:
        return {}
    try:
        count = ctypes.c_uint()
        if library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
            return {}
        found = {}
        for index in _visible(count.value):
            device, millijoules = ctypes.c_void_p(), ctypes.c_ulonglong()
            if (
                library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)) == 0
                and library.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(millijoules))
                == 0
            ):
                found[index] = millijoules.value / 1000
        return found
    finally:
        library.nvmlShutdown()


def _visible(count: int) -> list[int]:
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return list(range(count))
    words = [word.strip() for word in named.split(",")]
    # Named otherwise (by UUID, by a slice of a device): all, rather than none.
    if not all(word.isdigit() for word in words if word):
        return list(range(count))
    return [int(word) for word in words if word and int(word) < count]
