"""What is wrong with the masks of a COCO annotation file: polygons and run lengths (RLE).

Polygon: ``[x1, y1, x2, y2, ...]`` in pixels; an object has a list of them. RLE: the lengths of the
runs of 0 and 1 by turns, column by column, as ``{'size': [height, width], 'counts': ...}``; the
counts are a list (uncompressed) or a text (compressed, :func:`run_length_faults`).

pycocotools checks little of it: a polygon far outside the image ends the process or fills the
memory, a text is read as a number, and what an RLE leaves out is whatever the memory held.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

SHORT = 'polygon with fewer than 3 points'
POLYGON = 'polygon not valid'
RLE = 'RLE not valid'

_LONGEST = 7  # characters of a number: 5 bits each, and pycocotools counts in 32


def polygons_fault(polygons: Sequence[Any], width: int, height: int) -> tuple[str, str] | None:
    """Which check of :data:`CHECKS` the polygons of an object fail, and how, or None.

    They may reach out of the image by its larger side, not further.
    """
    low, high = -max(width, height), 2 * max(width, height)
    for polygon in polygons:
        if type(polygon) is not list:
            return POLYGON, (
                f'its segmentation holds {_shown(polygon)} where a polygon should be: write a list '
                'of polygons, each a list [x1, y1, x2, y2, ...]'
            )
        if len(polygon) < 6 or len(polygon) % 2:
            return SHORT, (
                f'polygon {_shown(polygon)} has {len(polygon)} numbers: it needs at least 3 points '
                'of 2 numbers each; correct it or remove the annotation'
            )
        try:
            total = sum(polygon)
            fine = total - total == 0 and min(polygon) >= low and max(polygon) <= high
        except (TypeError, OverflowError):
            return POLYGON, (
                f'polygon {_shown(polygon)} is not a list of numbers: write it as [x1, y1, x2, y2, '
                '...] in pixels'
            )
        if not fine:
            far = next(v for v in polygon if not low <= v <= high)
            return POLYGON, (
                f'a polygon goes to {_shown(far)}, far outside of the image of {width}x{height}: '
                'correct it, or the image that it belongs to'
            )
    return None


def counts_fault(counts: Sequence[Any], pixels: int) -> str | None:
    """How an uncompressed RLE does not fit an image of so many pixels, or None."""
    if not set(map(type, counts)) <= {int}:
        return 'its RLE counts should be whole numbers'
    return _counts_fault(sum(counts), min(counts, default=0), pixels)


def run_length_faults(texts: Sequence[str], pixels: Sequence[int]) -> list[str | None]:
    """How compressed RLEs do not fit images of so many pixels, or None, for each.

    A number is written in characters of code 48 + c, the lowest bits first: 5 bits of c are the
    number's, bit 5 says that another character follows, and bit 4 of the last one is the sign.
    From the fourth number of a mask on, what is written is the difference to the number two places
    before (``rleFrString`` in pycocotools' ``maskApi.c``).

    All texts are read at once, because a call for each would take longer than reading the file.
    """
    coded = [text.encode('utf-8') for text in texts]
    sizes = np.array([len(code) for code in coded])
    found: list[str | None] = [None] * len(texts)
    code = np.frombuffer(b''.join(coded), np.uint8).astype(np.int64) - 48
    owner = np.repeat(np.arange(len(texts)), sizes)
    first = np.concatenate([[True], owner[1:] != owner[:-1]])
    last = (code & 32) == 0
    begins = np.flatnonzero(first | np.concatenate([[True], last[:-1]]))
    place = np.arange(len(code)) - np.repeat(begins, np.diff(np.append(begins, len(code))))
    final = np.append(first[1:], True)
    # Broken: a character that is none, a number too long, a text that ends inside a number.
    broken = sizes == 0
    broken[owner[(code < 0) | (code > 63) | (place >= _LONGEST) | (final & ~last)]] = True
    for k in np.flatnonzero(broken):
        found[k] = 'its RLE text cannot be decoded'
    whole, keep = np.flatnonzero(~broken), ~broken[owner]
    if len(whole):
        sums = _sums(code[keep], sizes[whole], last[keep], place[keep])
        for k, (total, least) in zip(whole, sums, strict=True):
            found[k] = _counts_fault(total, least, pixels[k])
    return found


def _sums(
    code: np.ndarray, sizes: np.ndarray, last: np.ndarray, place: np.ndarray
) -> list[tuple[int, int]]:
    """Sum and least count of each of some texts that can be decoded.

    Args:
        code: ``(C,)``, the characters of all texts, 0 to 63.
        sizes: ``(T,)``, characters of each text.
        last: ``(C,)`` bool, whether a character is the last one of its number.
        place: ``(C,)``, which character of its number it is, from 0.
    """
    ends = np.flatnonzero(last)
    numbers = np.add.reduceat((code & 31) << (5 * place), np.flatnonzero(place == 0))
    numbers -= ((code[ends] & 16) != 0) * (np.int64(1) << (5 * (place[ends] + 1)))
    # The first number of each text, and how many it has.
    first = np.searchsorted(ends, np.concatenate([[0], np.cumsum(sizes)[:-1]]))
    length = np.diff(np.append(first, len(ends)))
    index = np.arange(len(ends)) - np.repeat(first, length)
    counts = numbers.copy()
    for parity in (1, 0):
        chain = np.flatnonzero((index % 2 == parity) & (index > 0))
        if not len(chain):
            continue
        # Running sums inside each text: over all texts, less what stood before the text's own.
        running = np.cumsum(numbers[chain])
        begins = index[chain] == (1 if parity else 2)
        before = (running - numbers[chain])[begins]
        counts[chain] = running - before[np.cumsum(begins) - 1]
    totals = np.add.reduceat(counts, first)
    least = np.minimum.reduceat(counts, first)
    return list(zip(totals.tolist(), least.tolist(), strict=True))


def _counts_fault(total: int, least: int, pixels: int) -> str | None:
    if least < 0:
        return f'its RLE has a negative count, {least}'
    if total != pixels:
        return f'its RLE is for {total} pixels, the image has {pixels}'
    return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'
