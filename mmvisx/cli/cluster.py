"""Cluster the pictures of a folder: a page to look at, a list, and a model for pictures to come.

Pictures are described by their gradients and colours, or by the features of a trained network.
Writes into --out: clusters.html (typical pictures of each cluster first, then the least certain),
clusters.csv (file, cluster, probability, distance to its centre, second choice; broken pictures
with what is wrong), clusters.pth (the model), with --k auto counts.png and counts.json (how good
each number of clusters is), and with --links a folder of links for each cluster.

Examples:
    mmvisx cluster photos --k 12 --out clusters
    mmvisx cluster photos --k auto --out clusters \
        --backbone configs/bag_of_tricks/resnet50_d_cosine_imagenet.py --checkpoint resnet50_d.pth
    mmvisx cluster new_photos --model clusters/clusters.pth --out new_clusters
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmvisx.cli.options import add_config_options, add_trust_option
from mmvisx.utils import UserError

AUTO = 'auto'


def main() -> None:
    """Read, cluster, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folder', type=Path, help='folder of pictures, and of folders of them')
    parser.add_argument(
        '--k',
        help=f'number of clusters, or {AUTO}: what holds best for pictures held out and seeds',
    )
    parser.add_argument('--out', type=Path, required=True, help='folder to write to')
    parser.add_argument('--model', help='clusters.pth of another call: assign, do not train')
    parser.add_argument('--backbone', metavar='CONFIG', help='network that describes pictures')
    parser.add_argument('--checkpoint', help='its weights')
    parser.add_argument('--links', action='store_true', help='make a folder of links a cluster')
    parser.add_argument('--seed', type=int, default=0, help='default: 0')
    parser.add_argument(
        '--on-collapse',
        choices=('warn', 'reseed', 'stop'),
        default='warn',
        help='about clusters that run empty while training: say so (default), part the largest '
        'in two for them, or end',
    )
    parser.add_argument('--device', help='cpu, cuda:0, ...; a GPU if there is one')
    add_config_options(parser)
    add_trust_option(parser)
    args = parser.parse_args()
    k = check(args)
    import torch

    from mmvisx.apis.embedded_clustering.photos import assign_photos, cluster_photos
    from mmvisx.apis.embedded_clustering.points import Network, read_points
    from mmvisx.apis.embedded_clustering.results import Options, check_free

    check_free(args.out, args.links, trains=args.model is None)
    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    network = None
    if args.backbone is not None:
        network = Network(args.backbone, args.checkpoint, args.cfg_options, device)
    points = read_points(args.folder, network)
    options = Options(args.folder, args.out, args.links)
    if args.model is not None:
        said = assign_photos(points, options, args.model)
    else:
        said = cluster_photos(points, options, k, args.seed, device, args.on_collapse)
    print('\n'.join(said))


def check(args: argparse.Namespace) -> int | None:
    """Return the number of clusters, ``None`` of ``auto`` or a model.

    Raises:
        UserError: It is none, or options do not fit together.
    """
    if (args.model is None) == (args.k is None):
        raise UserError('give either --k, to learn clusters, or the --model that has learnt them')
    if (args.backbone is None) != (args.checkpoint is None):
        raise UserError('--backbone CONFIG and --checkpoint FILE go together: a network untrained '
                        'tells nothing of pictures')  # fmt: skip
    if args.links and args.out.resolve().is_relative_to(args.folder.resolve()):
        raise UserError(
            f'--out {args.out} lies in {args.folder}, whose pictures its links would double: '
            'name a folder outside'
        )
    if args.k in (None, AUTO):
        return None
    try:
        k = int(args.k)
    except ValueError:
        k = 0
    if k < 2:
        raise UserError(f'--k {args.k} should be 2 or more, or {AUTO}')
    return k
