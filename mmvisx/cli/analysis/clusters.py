"""Draw what a clustering has found, and series of them (000, Figures 3.2 to 3.6).

Each picture has its numbers beside it, in a JSON file of the same name. SOURCE is a recipe and a
checkpoint of it, where "start" stands for the encoder that it starts from and k-means of its codes;
or the file of a saved DeepClustering, with --points.

Examples:
    mmvisx analyse clusters typical CONFIG CHECKPOINT
    mmvisx analyse clusters typical clusters.pth --points photos/vectors.npy --pictures my_photos
    mmvisx analyse clusters gradients CONFIG start --cluster 3
    mmvisx analyse clusters tsne CONFIG start iter_1600.pth iter_6400.pth
    mmvisx analyse clusters table CONFIG CHECKPOINT
    mmvisx analyse clusters reliability CONFIG CHECKPOINT
    mmvisx analyse clusters sweep work_dirs/SERIES
    mmvisx analyse clusters numbers work_dirs/SERIES
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmvisx.cli.options import add_config_options, add_trust_option, complete_config
from mmvisx.utils import UserError


def main(args: list[str] | None = None) -> None:
    """Measure, draw and write."""
    options = parse_args(args)
    from mmvisx.utils.screen import quiet_screen

    with quiet_screen():
        options.draw(options)


def parse_args(args: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(dest='picture', required=True, metavar='PICTURE')

    def kind(name: str, draw: Callable[..., None], help_: str) -> argparse.ArgumentParser:
        added = kinds.add_parser(name, help=help_, description=help_)
        added.add_argument('--out', default=f'clusters_{name}.png', help='the picture')
        added.set_defaults(draw=draw)
        return added

    typical = kind('typical', draw_typical, "each cluster's points next to its centroid (3.2)")
    typical.add_argument('--count', type=int, default=10, help='points of a cluster')
    gradients = kind('gradients', draw_gradients, 'pull of points over their q (3.4)')
    gradients.add_argument('--cluster', type=int, help='its number; the largest by default')
    tsne = kind('tsne', draw_tsne, 'codes in the plane at several checkpoints (3.5)')
    tsne.add_argument('--count', type=int, default=2000, help='points, drawn by chance')
    tsne.add_argument('--perplexity', type=float, default=30.0)
    tsne.add_argument('--seed', type=int, default=0)
    table = kind('table', draw_table, 'clusters by classes; needs labels')
    reliability = kind('reliability', draw_reliability, 'accuracy over the largest q; needs labels')
    reliability.add_argument('--bins', type=int, default=10)
    for picture in (typical, gradients, tsne, table, reliability):
        source = picture.add_argument(
            'source', nargs='+', help='config and checkpoint, or a saved DeepClustering'
        )
        source.completer = complete_config  # type: ignore[attr-defined]
        picture.add_argument('--points', nargs='+', metavar='FILE', help='of a DeepClustering')
        picture.add_argument('--labels', nargs='+', metavar='FILE', help='of --points')
        add_config_options(picture)
        add_trust_option(picture)
    for picture in (typical, gradients):
        picture.add_argument('--pictures', metavar='FOLDER', help='that the points were made of')
        picture.add_argument(
            '--shape', type=int, nargs='+', metavar='N',
            help='height and width, and 3 for colours, of points that are pixels',
        )  # fmt: skip
    sweep = kind('sweep', draw_sweep, 'accuracy over the values of a parameter (3.3)')
    sweep.add_argument(
        'series', nargs='+', metavar='[NAME=]PATH',
        help='work dirs of a series or JSON files of mmvisx compare-clusterers; those of one NAME '
        'are drawn together',
    )  # fmt: skip
    sweep.add_argument('--metric', help='its key; the one that ends in "acc" by default')
    numbers = kind('numbers', draw_numbers, 'NMI and generalizability over k (3.6)')
    numbers.add_argument('series', help='work dir of a series whose rows differ in k')
    numbers.add_argument(
        '--train-frequencies', action='store_true',
        help="targets of held-out points from the training points' frequencies",
    )  # fmt: skip
    add_trust_option(numbers)
    return parser.parse_args(args)


def opened(options: argparse.Namespace, most: int | None = 1) -> list[Any]:
    """Return the clusterings that the command line names.

    Raises:
        UserError: They are more than ``most``, or cannot be opened.
    """
    from mmvisx.apis.embedded_clustering.sources import open_clusterings

    if most is not None and len(options.source) > most + 1:
        raise UserError(f'{len(options.source) - 1} checkpoints: this picture is of {most}')
    return open_clusterings(options.source, options.points, options.labels, options.cfg_options)


def assigned(clustering: Any) -> Any:
    """Return the points of a clustering with their codes and clusters."""
    from mmvisx.analysis.embedded_clustering import assign_points

    return assign_points(clustering.model, clustering.dataset)


def finish(picture: Path, numbers: Any) -> None:
    """Write the numbers beside the picture, and say so."""
    from mmvisx.utils.files import write_json
    from mmvisx.utils.plain import plain

    target = picture.with_suffix('.json')
    write_json(target, named(plain, numbers), indent=1)
    print(f'wrote {picture} and {target}')


def named(plain: Callable[..., Any], value: Any) -> Any:
    """Return named tuples as dicts, in plain data."""
    if hasattr(value, '_asdict'):
        return {key: named(plain, item) for key, item in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [named(plain, item) for item in value]
    return plain(value, '', {})


def draw_typical(options: argparse.Namespace) -> None:
    """Figure 3.2."""
    from mmvisx.analysis import TypicalPoints
    from mmvisx.apis.embedded_clustering.thumbnails import thumbnails

    (found,) = opened(options)
    thumbnail = thumbnails(found.dataset, found.source, options.pictures, options.shape)
    analysis = TypicalPoints(options.count)
    rows = analysis.measure(assigned(found))
    finish(analysis.draw(rows, thumbnail, options.out), rows)


def draw_gradients(options: argparse.Namespace) -> None:
    """Figure 3.4."""
    from mmvisx.analysis import AssignmentGradients
    from mmvisx.apis.embedded_clustering.thumbnails import thumbnails

    (found,) = opened(options)
    thumbnail = thumbnails(found.dataset, found.source, options.pictures, options.shape)
    analysis = AssignmentGradients(options.cluster)
    pull = analysis.measure(assigned(found))
    print(
        f'cluster {pull.cluster}: {len(pull.points)} points, q {pull.q[0]:.3f} to {pull.q[-1]:.3f}'
    )
    if pull.rank_correlation is not None:
        print(f'rank correlation of q and the length of the gradient: {pull.rank_correlation:.3f}')
    if pull.right:
        shares = ' '.join(f'{100 * share:.0f}' for share in pull.right)
        print(f'% of its class in each tenth, the least sure first: {shares}')
    finish(analysis.draw(pull, thumbnail, options.out), pull)


def draw_tsne(options: argparse.Namespace) -> None:
    """Figure 3.5."""
    from mmvisx.analysis import CodeEmbedding

    found = opened(options, most=None)
    analysis = CodeEmbedding(options.count, options.perplexity, options.seed)
    times = analysis.measure([(clustering.title, assigned(clustering)) for clustering in found])
    history = max((clustering.history for clustering in found), key=len)
    finish(analysis.draw(times, options.out, history), times)


def draw_table(options: argparse.Namespace) -> None:
    """Clusters by classes."""
    from mmvisx.analysis import ClusterTable

    (found,) = opened(options)
    analysis = ClusterTable()
    table = analysis.measure(assigned(found))
    print(f'accuracy {100 * table.accuracy:.2f} %')
    finish(analysis.draw(table, options.out), table)


def draw_reliability(options: argparse.Namespace) -> None:
    """Accuracy over the largest q."""
    from mmvisx.analysis import ClusterReliability

    (found,) = opened(options)
    analysis = ClusterReliability(options.bins)
    curve = analysis.measure(assigned(found))
    print(
        f'mean q {curve.mean_confidence:.4f}, accuracy {curve.mean_accuracy:.4f}, expected '
        f'calibration error {curve.error:.4f}'
    )
    finish(analysis.draw(curve, options.out), curve)


def draw_sweep(options: argparse.Namespace) -> None:
    """Figure 3.3."""
    from mmvisx.analysis import ParameterSweep

    analysis = ParameterSweep(options.metric)
    methods = analysis.measure(options.series)
    finish(analysis.draw(methods, options.out), methods)


def draw_numbers(options: argparse.Namespace) -> None:
    """Figure 3.6."""
    from mmvisx.analysis import ClusterNumbers
    from mmvisx.analysis.embedded_clustering import assign_points
    from mmvisx.apis.embedded_clustering.sources import open_runs

    analysis = ClusterNumbers(options.train_frequencies)
    runs = open_runs(options.series)
    numbers = analysis.measure(
        (assign_points(run.model, run.train), assign_points(run.model, run.held_out))
        for run in runs
    )
    finish(analysis.draw(numbers, options.out), numbers)
