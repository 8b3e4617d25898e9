"""The PASCAL VOC half of the embedded data set: XML boxes, index PNGs, image lists."""

from __future__ import annotations

import os
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mmvisx.utils.files import write_text

from .render import SHAPES_CLASSES, Scene

VOID = 255


def voc_palette() -> list[int]:
    """VOC's 256 colours as R, G, B, R, ...: bits of the index spread over the channels."""
    index = np.arange(256)
    colours = np.zeros((256, 3), int)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= ((index >> (3 * bit + channel)) & 1) << (7 - bit)
    return colours.reshape(-1).tolist()


def voc_root(root: Path) -> Path:
    """Folder of the year."""
    return root / 'VOCdevkit' / 'VOC2012'


def annotation(scene: Scene, name: str, classes: Sequence[str] = SHAPES_CLASSES) -> ET.Element:
    """VOC's XML: boxes count pixels from 1 and include the last one. Crowds are difficult."""
    tree = ET.Element('annotation')
    height, width = scene.labels.shape
    ET.SubElement(tree, 'folder').text = 'VOC2012'
    ET.SubElement(tree, 'filename').text = f'{name}.jpg'
    size = ET.SubElement(tree, 'size')
    for key, value in (('width', width), ('height', height), ('depth', 3)):
        ET.SubElement(size, key).text = str(value)
    ET.SubElement(tree, 'segmented').text = '1'
    for instance in scene.instances:
        item = ET.SubElement(tree, 'object')
        ET.SubElement(item, 'name').text = classes[instance.label]
        ET.SubElement(item, 'pose').text = 'Unspecified'
        ET.SubElement(item, 'truncated').text = str(int(instance.truncated))
        ET.SubElement(item, 'difficult').text = str(int(instance.difficult))
        x, y, w, h = instance.box
        box = ET.SubElement(item, 'bndbox')
        for key, value in (('xmin', x + 1), ('ymin', y + 1), ('xmax', x + w), ('ymax', y + h)):
            ET.SubElement(box, key).text = str(value)
    ET.indent(tree)
    return tree


def index_maps(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Class and object index ``(H, W)`` uint8: 0 background, 255 on outlines and crowds."""
    classes = np.zeros(scene.labels.shape, np.uint8)
    objects = np.zeros(scene.labels.shape, np.uint8)
    for k, instance in enumerate(scene.instances, start=1):
        classes[instance.mask] = VOID if instance.crowd else instance.label + 1
        objects[instance.mask] = VOID if instance.crowd else k
    # OpenCV pads with the neutral element: the border of the image is no outline.
    kernel = np.ones((3, 3), np.uint8)
    border = cv2.dilate(objects, kernel) != cv2.erode(objects, kernel)
    classes[border] = VOID
    objects[border] = VOID
    return classes, objects


def part_map(scene: Scene) -> np.ndarray:
    """Part index ``(H, W)`` uint8: 0 background, 255 where the class map has it."""
    parts = np.zeros(scene.labels.shape, np.uint8)
    for instance in scene.instances:
        if instance.parts is not None:
            parts[instance.mask] = instance.parts[instance.mask]
    parts[index_maps(scene)[0] == VOID] = VOID
    return parts


def _save_indexed(indices: np.ndarray, path: Path) -> None:
    image = Image.fromarray(indices)
    image.putpalette(voc_palette())
    image.save(path)


def write_voc(
    scene: Scene,
    root: Path,
    name: str,
    image: Path,
    parts: bool = False,
    class_names: Sequence[str] = SHAPES_CLASSES,
) -> None:
    """Write one image's VOC files; the picture is a hard link where that is possible.

    Args:
        class_names: Of the labels.
        parts: Write ``SegmentationPart``, too, which VOC does not have.
    """
    voc = voc_root(root)
    try:
        os.link(image, voc / 'JPEGImages' / f'{name}.jpg')
    except OSError:
        shutil.copyfile(image, voc / 'JPEGImages' / f'{name}.jpg')
    xml = ET.tostring(annotation(scene, name, class_names), encoding='unicode')
    (voc / 'Annotations' / f'{name}.xml').write_text(xml + '\n')
    classes, objects = index_maps(scene)
    _save_indexed(classes, voc / 'SegmentationClass' / f'{name}.png')
    _save_indexed(objects, voc / 'SegmentationObject' / f'{name}.png')
    if parts:
        _save_indexed(part_map(scene), voc / 'SegmentationPart' / f'{name}.png')


def write_lists(splits: Mapping[str, Iterable[int]], root: Path) -> None:
    """Write the image lists of every split and of all together (``trainval``)."""
    lists = {split: [f'{n:06d}' for n in numbers] for split, numbers in splits.items()}
    lists['trainval'] = [name for names in lists.values() for name in names]
    for task in ('Main', 'Segmentation'):
        folder = voc_root(root) / 'ImageSets' / task
        folder.mkdir(parents=True)
        for split, names in lists.items():
            write_text(folder / f'{split}.txt', ''.join(f'{name}\n' for name in names))
