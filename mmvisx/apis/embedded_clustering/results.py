"""What is written of the clusters of a folder of pictures: a list, a page, links.

Letters: n pictures, k clusters.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np

from mmvisx.datasets.features.embedded_clustering.images import read_picture
from mmvisx.utils.errors import UserError
from mmvisx.utils.files import writing
from mmvisx.utils.progress import progress
from mmvisx.visualization.embedded_clustering.page import Picture, Sheet, jpeg, page

from .points import Points

__all__ = ['Assigned', 'Options', 'check_free', 'write_results']

MODEL, LIST, PAGE, LINKS, CHART = (
    'clusters.pth', 'clusters.csv', 'clusters.html', 'links', 'counts.png'
)  # fmt: skip
COLUMNS = ('file', 'cluster', 'probability', 'distance', 'second_choice', 'fault')
# Pictures of a cluster that the page shows, and of those that are least certain.
ON_SHEET, LEAST_CERTAIN = 60, 50


class Options(NamedTuple):
    """What is done besides clustering.

    Attributes:
        folder: Of the pictures.
        out: Folder to write to.
        links: Make folders of links.
    """

    folder: Path
    out: Path
    links: bool = False


class Assigned(NamedTuple):
    """Pictures and their clusters.

    Attributes:
        points: The pictures.
        q: How far each belongs to each cluster, ``(n, k)``.
        clusters: The nearest of each, ``(n,)``.
        second: The second nearest, ``(n,)``.
        distances: From the code to the centre of its cluster, ``(n,)``.
    """

    points: Points
    q: np.ndarray
    clusters: np.ndarray
    second: np.ndarray
    distances: np.ndarray

    def typical(self, cluster: int) -> np.ndarray:
        """Return the pictures of a cluster, the nearest to its centre first."""
        places = np.flatnonzero(self.clusters == cluster)
        return places[np.argsort(self.distances[places], kind='stable')]

    def uncertain(self) -> np.ndarray:
        """Return the least certain pictures, the least certain first."""
        return np.argsort(self.q.max(axis=1), kind='stable')[:LEAST_CERTAIN]


def check_free(out: Path, links: bool, trains: bool) -> None:
    """Refuse a folder in which something would be replaced.

    Raises:
        UserError: It holds such results; the message says what to do.
    """
    for name in (LIST, PAGE, *([LINKS] if links else [])):
        if (out / name).exists():
            raise UserError(f'{out / name} is there already: name another folder with --out')
    if trains and (out / MODEL).exists():
        raise UserError(
            f'{out / MODEL} is there already: --model {out / MODEL} assigns pictures with it, or '
            'name another folder with --out'
        )


def write_results(
    assigned: Assigned,
    options: Options,
    said: Sequence[str],
    warnings: Sequence[str] = (),
    chart: Path | None = None,
) -> list[str]:
    """Write the list, the page and, if wanted, the links; return what to say on the screen.

    Args:
        assigned: The pictures.
        options: What is written, and where.
        said: Sentences for the top of the page.
        warnings: Sentences that stand out.
        chart: A PNG for the page.
    """
    sizes = np.bincount(assigned.clusters, minlength=assigned.q.shape[1])
    points, out = assigned.points, options.out
    top = [
        f'{len(points.names)} pictures of {options.folder} in {len(sizes)} clusters of '
        f'{sizes.min()} to {sizes.max()}, by {points.said}.',
        *said,
    ]
    if points.broken:
        top.append(
            f'{len(points.broken)} broken pictures were left out; {LIST} says what is wrong.'
        )
    with writing(out / LIST, 'wb') as file:
        file.write(_table(assigned).encode('utf-8', 'surrogateescape'))
    content = page(
        f'Clusters of {options.folder.resolve().name}',
        top,
        list(_sheets(assigned, options)),
        warnings,
        chart,
    )
    with writing(out / PAGE, 'wb', len(content)) as file:
        file.write(content)
    if options.links:
        _link(assigned, options)
    written = ', '.join([PAGE, LIST, *([LINKS] if options.links else [])])
    return [*top, *warnings, f'{out}: wrote {written}']


def _table(assigned: Assigned) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(COLUMNS)
    for place, name in enumerate(assigned.points.names):
        cluster, second = int(assigned.clusters[place]), int(assigned.second[place])
        numbers = (assigned.q[place, cluster], assigned.distances[place])
        writer.writerow([name, cluster, *(f'{value:.6g}' for value in numbers), second, ''])
    for name, fault in assigned.points.broken.items():
        writer.writerow([name, '', '', '', '', fault])
    return text.getvalue()


def _sheets(assigned: Assigned, options: Options) -> Iterable[Sheet]:
    """Yield a sheet for each cluster, that of the least certain pictures and of broken ones."""
    clusters = [assigned.typical(cluster) for cluster in range(assigned.q.shape[1])]
    uncertain = assigned.uncertain()
    shown = {int(place) for places in (*clusters, uncertain) for place in places[:ON_SHEET]}
    thumbnails = {
        place: _thumbnail(options.folder / assigned.points.names[place])
        for place in progress(sorted(shown), 'drawing thumbnails', 'picture')
    }

    def picture(place: int, caption: str) -> Picture:
        name = assigned.points.names[place]
        target = os.path.relpath((options.folder / name).resolve(), options.out.resolve())
        return Picture(name, quote(os.fsencode(target)), thumbnails[place], caption)

    for cluster, places in enumerate(clusters):
        said = f'{len(places)} pictures'
        if len(places):
            said += f', mean probability {assigned.q[places, cluster].mean():.2f}, typical first'
        if len(places) > ON_SHEET:
            said += f'; the first {ON_SHEET}, all are in {LIST}'
        each = [picture(p, f'{assigned.q[p, cluster]:.2f}') for p in places[:ON_SHEET].tolist()]
        yield Sheet(f'Cluster {cluster}', said, each)
    yield Sheet(
        'Least certain',
        f'the {len(uncertain)} pictures whose cluster has the smallest probability',
        [picture(place, _choices(assigned, place)) for place in uncertain.tolist()],
    )
    if assigned.points.broken:
        faults = '; '.join(f'{name} {fault}' for name, fault in assigned.points.broken.items())
        yield Sheet('Broken', faults, [])


def _choices(assigned: Assigned, place: int) -> str:
    first, second = assigned.clusters[place], assigned.second[place]
    q = assigned.q[place]
    return f'cluster {first}: {q[first]:.2f}, {second}: {q[second]:.2f}'


def _thumbnail(path: Path) -> bytes:
    image = read_picture(path)
    if isinstance(image, str):
        raise UserError(f'{path} was whole a moment ago, now it {image}')
    return jpeg(image)


def _link(assigned: Assigned, options: Options) -> None:
    """Link pictures in a folder for each cluster, in the order of the page."""
    k = assigned.q.shape[1]
    for cluster in range(k):
        folder = options.out / LINKS / f'cluster_{cluster:0{len(str(k - 1))}}'
        folder.mkdir(parents=True)
        for rank, place in enumerate(assigned.typical(cluster).tolist(), 1):
            path = options.folder / assigned.points.names[place]
            (folder / f'{rank:04}_{path.name}').symlink_to(path.resolve())
