"""Parts of the rendered objects: what lies deep inside, and the upper and lower rest of the rim."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

SHAPES_PARTS = ('core', 'upper rim', 'lower rim')
SHAPES_PARTS_PALETTE = [(230, 60, 60), (70, 170, 250), (60, 200, 90)]

CORE_DEPTH = 0.5  # of the largest distance to the outline


def part_labels(full: np.ndarray) -> np.ndarray:
    """Divide one object into parts that every class has, whichever way it is turned.

    Pixels at least :data:`CORE_DEPTH` as far from the outline as the deepest one are the core.
    The others belong to the rim: the upper one above the row of the object's centroid, the
    lower one from there on. Which side of the centre a pixel of the rim is on cannot be seen
    from its neighbourhood alone, so a network has to find the object.

    Args:
        full: The whole object, also what others or the image's edge hide, ``(H, W)`` bool with
            at least one pixel and a margin around it.

    Returns:
        ``(H, W)`` uint8: 0 outside, 1 and up as in :data:`SHAPES_PARTS` inside.
    """
    # In double precision: OpenCV's distances differ in the last bit with its number of threads,
    # which decides about pixels at exactly half of the largest.
    depth = distance_transform_edt(full)
    rows = np.arange(full.shape[0])
    centre = float(full.sum(axis=1) @ rows) / full.sum()
    rim = np.where(rows < centre, 2, 3)[:, None]
    parts = np.where(depth >= CORE_DEPTH * depth.max(), 1, rim)
    return np.where(full, parts, 0).astype(np.uint8)
