"""What a measurement was taken on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any

import torch


def describe_machine() -> dict[str, Any]:
    """Return processor, cores, load and versions, to stand beside measured numbers."""
    info = {
        'processor': platform.processor() or platform.machine(),
        'cores': os.cpu_count(),
        'threads': torch.get_num_threads(),
        'load_at_start': [round(load, 2) for load in os.getloadavg()],
        'python': platform.python_version(),
        'torch': torch.__version__,
        'torchvision': version('torchvision'),
        'mmcv': version('onedl-mmcv'),
    }
    if torch.cuda.is_available():
        info['gpu'] = torch.cuda.get_device_name()
    return info
