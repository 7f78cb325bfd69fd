"""Where a run was made: versions, machine and command, and nothing about people."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn", "torch", "pillow", "pydicom", "nibabel")


def provenance() -> dict[str, Any]:
    """Return versions, processor count and platform; no host name, user name or path."""
    libraries = {}
    for name in LIBRARIES:
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:
            libraries[name] = "absent"
    return {
        "radassay": version("radassay"),
        "python": sys.version.split()[0],
        "platform": f"{platform.system()} {platform.machine()}",
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "libraries": libraries,
    }
