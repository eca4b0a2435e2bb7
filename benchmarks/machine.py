"""What a measurement was made on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from diiqn_lightning.report.revision import git_revision

PACKAGES = ("diiqn-lightning", "torch", "torchrl", "tensordict", "lightning", "minatar", "numpy", "stable-baselines3")


def machine_facts(threads):
    """Processor, cores, threads, Python and the versions of what was measured."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return {
        "git_revision": git_revision(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "python": platform.python_version(),
        "versions": versions,
    }


def processor():
    """The processor's name as the kernel gives it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
