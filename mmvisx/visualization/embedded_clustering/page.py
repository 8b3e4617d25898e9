"""A page of thumbnails in one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

__all__ = ['Picture', 'Sheet', 'jpeg', 'page']

# Pixels of a thumbnail's longer side.
SIDE = 128
_QUALITY = 80
_STYLE = """
body { font: 15px/1.45 sans-serif; margin: 2em auto; max-width: 1180px; padding: 0 1em;
  color: #222; background: #fff }
h2 { margin: 1.6em 0 .2em } p { margin: .3em 0 } .said { color: #555 }
.warning { background: #fff3cd; padding: .5em .8em; border-left: 4px solid #e0a800 }
.sheet { display: flex; flex-wrap: wrap; gap: 8px; margin-top: .6em }
figure { margin: 0; width: 132px; font-size: 12px } figcaption { overflow-wrap: anywhere }
figure .box { width: 132px; height: 132px; display: flex; align-items: center;
  justify-content: center; background: #f2f2f2 }
figure.chart { width: auto } figure.chart img { max-width: 100% } .chart { margin: 1em 0 }
td, th { padding: .15em .8em .15em 0; text-align: left } td.n { text-align: right }
"""


class Picture(NamedTuple):
    """A thumbnail.

    Attributes:
        name: Of the picture.
        link: To the picture itself.
        content: Its JPEG.
        caption: Below it.
    """

    name: str
    link: str
    content: bytes
    caption: str


class Sheet(NamedTuple):
    """Thumbnails under a heading.

    Attributes:
        title: The heading.
        said: A sentence below it.
        pictures: In their order.
    """

    title: str
    said: str
    pictures: Sequence[Picture]


def jpeg(image: np.ndarray) -> bytes:
    """Return a small copy of a picture as a JPEG.

    Args:
        image: ``(H, W, 3)`` uint8, blue first.
    """
    height, width = image.shape[:2]
    share = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode('.jpg', small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def page(
    title: str,
    said: Sequence[str],
    sheets: Sequence[Sheet],
    warnings: Sequence[str] = (),
    chart: Path | None = None,
) -> bytes:
    """Return the HTML.

    Args:
        title: Of the page.
        said: Sentences at its top.
        sheets: Follow a table of them.
        warnings: Sentences that stand out.
        chart: A PNG for the top.
    """
    lines = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        f'<title>{escape(title)}</title><style>{_STYLE}</style></head><body>',
        f'<h1>{escape(title)}</h1>',
        *(f'<p>{escape(sentence)}</p>' for sentence in said),
        *(f'<p class="warning">{escape(sentence)}</p>' for sentence in warnings),
    ]
    if chart is not None:
        content = _inside(chart.read_bytes(), 'png')
        lines.append(f'<figure class="chart"><img src="{content}" alt="{escape(chart.stem)}">')
        lines.append('</figure>')
    lines.append('<table>')
    for number, sheet in enumerate(sheets):
        link = f'<a href="#sheet-{number}">{escape(sheet.title)}</a>'
        lines.append(f'<tr><td>{link}</td><td>{escape(sheet.said)}</td></tr>')
    lines.append('</table>')
    for number, sheet in enumerate(sheets):
        lines.append(f'<h2 id="sheet-{number}">{escape(sheet.title)}</h2>')
        lines.append(f'<p class="said">{escape(sheet.said)}</p><div class="sheet">')
        lines += [_figure(picture) for picture in sheet.pictures]
        lines.append('</div>')
    lines.append('</body></html>\n')
    # Names of files may hold what is no character.
    return '\n'.join(lines).encode('utf-8', 'replace')


def _figure(picture: Picture) -> str:
    name, link = escape(picture.name), escape(picture.link)
    image = f'<img src="{_inside(picture.content, "jpeg")}" alt="{name}" title="{name}">'
    return (
        f'<figure><a class="box" href="{link}">{image}</a>'
        f'<figcaption>{escape(picture.caption)}</figcaption></figure>'
    )


def _inside(content: bytes, kind: str) -> str:
    return f'data:image/{kind};base64,{base64.b64encode(content).decode()}'
