"""Random clips with every oddity of DVPQ, and the definition of the metric as sets of pixels."""

from collections import defaultdict
from fractions import Fraction

import numpy as np
import torch

THINGS, CLASSES, IGNORE = 2, 4, 255


def code(label, number):
    """As mmdet numbers a segment."""
    return label + 1000 * number


def random_clip(seed):
    """Return truth, prediction, their codes; and true and predicted depth: ``(T, H, W)`` each.

    Void, crowds of both conventions, void predictions, classes that are absent, ids up to 2^20,
    sparse depth in 1/256 m as a PNG has it, and errors of exactly a threshold.
    """
    rng = np.random.default_rng(seed)
    shape = (rng.integers(4, 7), 4, 7)
    ids = rng.integers(1, 2**20 + 1, 4)
    present = rng.random(CLASSES) < 0.8
    segments = [
        code(label, number)
        for label in np.flatnonzero(present)
        for number in ([0, *ids[:2]] if label < THINGS else [0])
    ] + [code(IGNORE, 0), code(IGNORE, ids[2])]
    true = rng.choice(segments, (shape[0], 2, 3)).repeat(2, 1).repeat(3, 2)[..., : shape[2]]
    predicted = true.copy()
    for one in np.unique(true):  # other ids, other classes, nothing
        if rng.random() < 0.4:
            other = [*segments[:-2], code(rng.integers(CLASSES), ids[3]), code(IGNORE, 0)]
            predicted[(true == one) & (rng.random(shape) < 0.9)] = rng.choice(other)
    noise = rng.random(shape) < 0.1
    predicted[noise] = rng.choice(predicted.ravel(), noise.sum())
    predicted[predicted % 1000 == IGNORE] = code(rng.choice([CLASSES, IGNORE]), 0)
    depth = rng.integers(1, 400, shape) * 20 * (rng.random(shape) < 0.8)
    off = rng.choice([0, 10, -10, 25, -25, 50, -50, 49, -51, 11, -9, 80, -80], shape)
    return true, predicted, depth, depth + depth * off // 100


def reference(clip, size, threshold, zero_is_crowd=False):
    """IoU, TP, FP, FN of each class over all windows, from sets of pixels, ``(K, 4)``.

    ``threshold`` is a string, '0.1', or None for VPQ.
    """
    true, predicted, depth, guess = clip
    found = np.zeros((CLASSES, 4))
    for start in range(len(true) - size + 1):
        t_sets, p_sets = defaultdict(set), defaultdict(set)
        for t in range(start, start + size):
            for y, x in np.ndindex(true.shape[1:]):
                t_sets[divmod(int(true[t, y, x]), 1000)].add((t, y, x))
                error = abs(int(guess[t, y, x]) - int(depth[t, y, x]))
                allowed = threshold is None or depth[t, y, x] == 0
                if allowed or error <= Fraction(threshold) * int(depth[t, y, x]):
                    p_sets[divmod(int(predicted[t, y, x]), 1000)].add((t, y, x))
        _score(found, t_sets, p_sets, zero_is_crowd)
    return found


def _score(found, t_sets, p_sets, zero_is_crowd):
    p_sets = {k: v for k, v in p_sets.items() if k[1] < CLASSES}
    void = t_sets.pop((0, IGNORE), set())
    crowds = {
        (number, label): pixels
        for (number, label), pixels in t_sets.items()
        if label == IGNORE or (zero_is_crowd and label < THINGS and number == 0)
    }
    real = {k: v for k, v in t_sets.items() if k not in crowds}
    matched = set()
    for (t_id, t_label), t in real.items():
        for (p_id, p_label), p in p_sets.items():
            iou = Fraction(len(t & p), len(t | (p - void)))
            if t_label == p_label and iou > Fraction(1, 2):
                matched |= {('t', t_id, t_label), ('p', p_id, p_label)}
                found[t_label] += float(iou), 1, 0, 0
    for number, label in real:
        found[label, 3] += ('t', number, label) not in matched
    for (number, label), p in p_sets.items():
        ignored = set(void).union(*(c for k, c in crowds.items() if k[1] in (label, IGNORE)))
        if ('p', number, label) not in matched and len(p & ignored) <= len(p - ignored):
            found[label, 2] += 1


def frames(clip, video='a', dtype=np.float32):
    """What a model gives for the frames of a clip."""
    return [
        {
            'video_id': video,
            'frame_id': t,
            **{
                f'{kind}_panoptic_seg': {'sem_seg': torch.from_numpy(codes[t][None].copy())}
                for kind, codes in zip(('gt', 'pred'), clip[:2], strict=True)
            },
            **{
                f'{kind}_depth_map': {'data': torch.from_numpy(depth[t][None].astype(dtype))}
                for kind, depth in zip(('gt', 'pred'), clip[2:], strict=True)
            },
        }
        for t in range(len(clip[0]))
    ]


def moving_clip(seed, motion):
    """Return the codes of a clip of things that cross ground and sky, ``(7, 24, 60)`` int32.

    ``motion`` is the least and the largest way a frame, in widths of the thing. They enter and
    leave, and hide parts of each other; one that was hidden altogether is another one afterwards.
    """
    rng = np.random.default_rng(seed)
    clip = np.full((7, 24, 60), code(THINGS, 0), np.int32)
    clip[:, :10] = code(THINGS + 1, 0)
    starts = 0, 0, 0, 2, 4  # frames in which they come
    for number, start in enumerate(starts):
        height, width = rng.integers(4, 8, 2)
        pace = rng.uniform(*motion, len(clip)).cumsum() * width * rng.choice([-1, 1])
        left = (rng.integers(5, 50) + pace).round().astype(int)
        top = 1 + 4 * number
        for t in range(start, len(clip)):
            clip[t, top : top + height, max(0, left[t]) : max(0, left[t] + width)] = code(
                number % THINGS, number + 1
            )
    for one in np.unique(clip[clip >= 1000]):
        for t in range(1, len(clip)):
            was, is_there = (clip[t - 1] == one).any(), clip[t] == one
            if not was and is_there.any():
                new = code(int(one) % 1000, clip.max() // 1000 + 1)
                clip[t:][clip[t:] == one] = new
                one = new
    return clip
