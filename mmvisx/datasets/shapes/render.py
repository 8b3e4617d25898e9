"""Scenes of the embedded data set: textured shapes over textured regions.

Colour and texture are drawn independently of the class of a shape, so a detector
has to learn the shape. Everything comes from one random generator per image, seeded
by (seed, image number): an image does not depend on the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.random import Generator

from .outlines import SHAPES_CLASSES, coverage
from .parts import part_labels
from .texture import STUFF_TEXTURES, object_texture

SHAPES_STUFF = tuple(STUFF_TEXTURES)
SHAPES_PALETTE = [
    (220, 20, 60),
    (0, 110, 200),
    (250, 170, 30),
    (120, 60, 200),
    (0, 160, 110),
    (230, 90, 200),
]

MIN_DIAMETER, MAX_DIAMETER = 0.14, 0.50  # fractions of the image side
CROWD_DIAMETER = 0.09
MIN_VISIBLE = 0.5  # no object gets more hidden than this, by others or by the image's edge
DIFFICULT_VISIBLE = 0.65

# With context a class is an outline and the ground that it stands on.
CONTEXT_OUTLINES = ('disc', 'triangle', 'cross')
CONTEXT_GROUNDS = {'floating': ('sky', 'water'), 'standing': ('grass', 'brick')}
CONTEXT_CLASSES = tuple(f'{g} {o}' for g in CONTEXT_GROUNDS for o in CONTEXT_OUTLINES)
MIN_GROUND = 0.75  # share of what surrounds an object that must be its ground


@dataclass(frozen=True)
class Style:
    """How objects are drawn; the defaults are those of the data set without options.

    Attributes:
        sizes: Smallest and largest diameter, in shorter sides of the image.
        visibility: No object gets more hidden than this, by others or by the image's edge.
        context: The class depends on what is around the object: the same outline on sky or
            water and on grass or brick are two classes. Then an image may also show one
            stuff only, and has no crowds.
    """

    sizes: tuple[float, float] = (MIN_DIAMETER, MAX_DIAMETER)
    visibility: float = MIN_VISIBLE
    context: bool = False


@dataclass
class Instance:
    """One annotated object.

    ``mask`` is its visible part, ``(H, W)`` bool; ``full_area`` counts the pixels that
    it would have were nothing in front of it and the image larger. ``parts``, ``(H, W)``
    uint8, are those of the whole object as far as it reaches into the image; a crowd has none.
    """

    label: int
    mask: np.ndarray
    full_area: int
    truncated: bool = False
    crowd: bool = False
    parts: np.ndarray | None = None

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Tight box of the visible part: x, y, width, height in pixels."""
        columns = np.flatnonzero(self.mask.any(axis=0))
        rows = np.flatnonzero(self.mask.any(axis=1))
        x, y = int(columns[0]), int(rows[0])
        return x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1

    @property
    def area(self) -> int:
        """Visible pixels."""
        return int(self.mask.sum())

    @property
    def difficult(self) -> bool:
        """A crowd, or much of it is hidden."""
        return self.crowd or self.area < DIFFICULT_VISIBLE * self.full_area


@dataclass
class Scene:
    """An image ``(H, W, 3)`` uint8 BGR with its stuff labels ``(H, W)`` uint8 and objects.

    Labels: the thing classes first, then the stuff classes.
    """

    image: np.ndarray
    labels: np.ndarray
    instances: list[Instance] = field(default_factory=list)


def render_stuff(
    rng: Generator, shape: tuple[int, int], fewest: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Textured background ``(H, W, 3)`` float32 and its stuff index ``(H, W)``.

    Regions are the cells of a few random points, with their borders bent by noise; ``fewest``
    kinds of stuff at least.
    """
    count = int(rng.integers(fewest, len(SHAPES_STUFF) + 1))
    kinds = rng.permutation(len(SHAPES_STUFF))[:count]
    points = rng.uniform(0, shape[::-1], (count, 2))
    bend = rng.normal(size=(2, 5, 5)).astype(np.float32) * 0.14 * min(shape)
    yy, xx = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    xx = xx + cv2.resize(bend[0], shape[::-1], interpolation=cv2.INTER_CUBIC)
    yy = yy + cv2.resize(bend[1], shape[::-1], interpolation=cv2.INTER_CUBIC)
    distance = [(xx - x) ** 2 + (yy - y) ** 2 for x, y in points]
    cell = np.argmin(distance, axis=0)
    image = np.zeros((*shape, 3), np.float32)
    for k, kind in enumerate(kinds):
        texture = STUFF_TEXTURES[SHAPES_STUFF[kind]](rng, shape)
        image[cell == k] = texture[cell == k]
    return image, kinds[cell]


def ground_label(outline_index: int, full: np.ndarray, stuff: np.ndarray) -> int | None:
    """Class of an outline by the stuff around it; None where no ground is clear.

    Args:
        outline_index: Into :data:`CONTEXT_OUTLINES`.
        full: The whole object as far as it reaches into the image, ``(H, W)`` bool.
        stuff: Index of the stuff of each pixel, also behind objects, ``(H, W)``.
    """
    reach = max(3, min(full.shape) // 16)
    near = cv2.dilate(full.astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)).astype(bool)
    around = stuff[near & ~full]
    for index, names in enumerate(CONTEXT_GROUNDS.values()):
        kinds = [SHAPES_STUFF.index(name) for name in names]
        if around.size and np.isin(around, kinds).mean() >= MIN_GROUND:
            return index * len(CONTEXT_OUTLINES) + outline_index
    return None


class _Composer:
    """Paints objects one over the other and keeps track of what stays visible."""

    def __init__(self, rng: Generator, shape: tuple[int, int], style: Style) -> None:
        self.rng, self.shape, self.style = rng, shape, style
        self.margin = min(shape) // 2
        self.image, self.stuff = render_stuff(rng, shape, 1 if style.context else 2)
        self.labels = (self.stuff + len(SHAPES_CLASSES)).astype(np.uint8)
        self.instances: list[Instance] = []

    def inside(self, padded: np.ndarray) -> np.ndarray:
        m = self.margin
        return padded[m : m + self.shape[0], m : m + self.shape[1]]

    def fits(self, mask: np.ndarray, full_area: int) -> bool:
        """Whether enough of the new object and of all earlier ones can be seen."""
        least = self.style.visibility
        if mask.sum() < least * full_area:
            return False
        left = [(o.mask & ~mask).sum() >= least * o.full_area for o in self.instances]
        return all(left)

    def paint(self, cover: np.ndarray, mask: np.ndarray) -> None:
        around = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool) & ~mask
        behind = self.image[around if around.any() else mask].mean(axis=0)
        texture, edge = object_texture(self.rng, self.shape, behind)
        inner = cv2.erode(cover, np.ones((3, 3), np.uint8))[..., None]
        textured = inner * texture + (1 - inner) * edge
        self.image = self.image * (1 - cover[..., None]) + textured * cover[..., None]

    def random_kind(self) -> int:
        """Draw an outline."""
        if self.style.context:
            return SHAPES_CLASSES.index(CONTEXT_OUTLINES[self.rng.integers(len(CONTEXT_OUTLINES))])
        return int(self.rng.integers(len(SHAPES_CLASSES)))

    def label_of(self, kind: int, full: np.ndarray) -> int | None:
        """Class of an object by its outline, and where that matters by what it stands on."""
        if not self.style.context:
            return kind
        return ground_label(CONTEXT_OUTLINES.index(SHAPES_CLASSES[kind]), full, self.stuff)

    def try_object(self, kind: int) -> bool:
        """Draw one object, if there is a place for it."""
        rng, shape, side = self.rng, self.shape, min(self.shape)
        low, high = self.style.sizes
        for _ in range(25):
            radius = 0.5 * side * float(np.exp(rng.uniform(np.log(low), np.log(high))))
            reach = min(0.7 * radius, 0.5 * side)
            centre = rng.uniform(reach, np.subtract(shape[::-1], reach))
            angle, aspect = rng.uniform(0, 2 * np.pi), rng.uniform(0.8, 1.25)
            padded = coverage(kind, centre, radius, angle, aspect, shape, self.margin)
            full, cover = padded >= 0.5, self.inside(padded)
            mask, full_area = cover >= 0.5, int(full.sum())
            if not self.fits(mask, full_area):
                continue
            label = self.label_of(kind, self.inside(full))
            if label is not None:
                parts = self.inside(part_labels(full))
                cut = bool(mask.sum() < full_area)
                self.add(Instance(label, mask, full_area, cut, parts=parts), cover)
                return True
        return False

    def add(self, new: Instance, cover: np.ndarray) -> None:
        self.paint(cover, new.mask)
        for other in self.instances:
            other.mask = other.mask & ~new.mask
        self.labels[new.mask] = new.label
        self.instances.append(new)

    def crowd(self, label: int) -> None:
        """A cluster of small objects of one class, annotated together."""
        rng, shape = self.rng, self.shape
        size = np.array(shape[::-1])
        middle = rng.uniform(0.2 * size, 0.8 * size)
        radius = 0.5 * CROWD_DIAMETER * min(shape)
        together = np.zeros(shape, bool)
        for _ in range(int(rng.integers(7, 12))):
            centre = np.clip(middle + rng.normal(size=2) * 1.9 * radius, radius, size - radius)
            angle = rng.uniform(0, 2 * np.pi)
            cover = self.inside(coverage(label, centre, radius, angle, 1.0, shape, self.margin))
            self.paint(cover, cover >= 0.5)
            together |= cover >= 0.5
        self.labels[together] = label
        self.instances.append(Instance(label, together, int(together.sum()), crowd=True))


def render_scene(
    seed: int,
    number: int,
    size: int | tuple[int, int] = 128,
    objects: tuple[int, int] = (2, 6),
    crowd: bool = False,
    style: Style = Style(),
) -> Scene:
    """Render image ``number`` of the data set of ``seed``.

    Args:
        size: Height and width in pixels, or the side of a square image.
        objects: Fewest and most objects; fewer where they would hide each other.
        crowd: Add a crowd region of small objects behind the others; none with context.
        style: Sizes, occlusion and classes of the objects.
    """
    rng = np.random.default_rng([seed, number])
    composer = _Composer(rng, (size, size) if isinstance(size, int) else size, style)
    if crowd and not style.context:
        composer.crowd(int(rng.integers(len(SHAPES_CLASSES))))
    for _ in range(int(rng.integers(objects[0], objects[1] + 1))):
        composer.try_object(composer.random_kind())
    noisy = composer.image + rng.normal(size=composer.image.shape) * 3
    image = np.clip(np.round(noisy), 0, 255).astype(np.uint8)
    return Scene(image, composer.labels, composer.instances)
