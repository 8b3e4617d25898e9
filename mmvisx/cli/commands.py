"""The command ``mmvisx``: a table of what it can do, each a module of this folder with a ``main``.

A command that another one's name starts with is a group, as ``analyse``. Needs the standard library
only until a command runs.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import NamedTuple

from mmvisx.utils import UserError, run_cli
from mmvisx.utils.text import similar

__all__ = ['COMMANDS', 'Command', 'main', 'run']

HELP = ('-h', '--help')


class Command(NamedTuple):
    """What a command runs.

    Attributes:
        module: Below ``mmvisx.cli``, '' of a group.
        help: What it does, in a line.
    """

    module: str
    help: str


COMMANDS = {
    'init': Command('init', 'write a config for a folder of your own data'),
    'train': Command('train', 'train a model'),
    'test': Command('test', 'evaluate a checkpoint, or an ensemble of classifiers'),
    'predict': Command('demo.image_demo', "draw a model's predictions on images"),
    'list': Command('list_recipes', 'list the packaged recipes, or those with some words'),
    'check': Command('datasets.check_dataset', 'find faults in a data set'),
    'convert': Command('convert', 'put a data set into another format: COCO, VOC, YOLO, LabelMe'),
    'browse': Command('analysis.browse_dataset', 'draw training samples after the pipeline'),
    'replay': Command('replay', 'repeat a training step whose loss was not finite'),
    'cluster': Command('cluster', 'cluster the pictures of a folder: a page, a list, a model'),
    'series': Command('run_series', 'train several configs with several seeds; one table'),
    'compare-clusterers': Command(
        'compare_clusterers', 'compare deep embedded clustering with its baselines'
    ),
    'analyse': Command('', 'look into trainings, results and trained networks'),
    'analyse ap-gain': Command('analysis.ap_gain', 'chart the gain in AP of each class'),
    'analyse clusters': Command(
        'analysis.clusters', 'draw typical points, codes, tables and series of clusterings'
    ),
    'analyse collapsed-channels': Command('analysis.collapsed_channels', 'count equal channels'),
    'analyse co-training-curves': Command(
        'analysis.co_training_curves', 'draw how co-trained views learn, and how alike they are'
    ),
    'analyse elephant': Command('analysis.elephant', 'slide an object over an image'),
    'analyse few-shot-balance': Command(
        'analysis.few_shot_balance', 'draw what an offset of few classes costs large ones'
    ),
    'analyse few-shot-impact': Command(
        'analysis.few_shot_impact', 'draw which channels a predictor relies on'
    ),
    'analyse few-shot-seeds': Command(
        'analysis.few_shot_seeds', 'put few-shot tables of several seeds together'
    ),
    'analyse few-shot-tsne': Command(
        'analysis.few_shot_tsne', 'draw mean activations beside weights'
    ),
    'analyse get-flops': Command('analysis.get_flops', 'count parameters and multiply-adds'),
    'analyse label-next': Command(
        'analysis.label_next', 'rank unlabelled images by how co-trained views disagree'
    ),
    'analyse label-smooth-gap': Command('analysis.label_smooth_gap', 'draw gaps between scores'),
    'analyse multi-task-curves': Command(
        'analysis.multi_task_curves', 'draw how a task learns, alone and with others'
    ),
    'analyse plot-log': Command('analysis.plot_log', 'draw curves of losses and metrics'),
    'analyse plot-lr': Command('analysis.plot_lr', 'draw learning-rate schedules'),
    'analyse recipe-table': Command('analysis.recipe_table', "fill a README's table of recipes"),
    'analyse show-filters': Command('analysis.show_filters', 'draw the filters of a convolution'),
    'analyse show-switches': Command('analysis.show_switches', 'draw the switches of a DetectoRS'),
    'dataset': Command('', 'make data sets, or put them into another layout'),
    'dataset digits-to-folder': Command(
        'datasets.digits_to_folder', "scikit-learn's digits as class folders"
    ),
    'dataset images-to-vectors': Command(
        'datasets.images_to_vectors', 'pictures as points for clustering'
    ),
    'dataset lip-to-folders': Command('datasets.lip_to_folders', 'LIP as images and index PNGs'),
    'dataset make-shapes': Command('datasets.make_shapes', 'render images with boxes and masks'),
    'dataset make-shapes-crops': Command(
        'datasets.make_shapes_crops', 'render crops of shapes as class folders'
    ),
    'dataset make-shapes-video': Command(
        'datasets.make_shapes_video', 'render clips with tracks and depth'
    ),
    'dataset panoptic-to-stuff': Command(
        'datasets.panoptic_to_stuff', 'stuff maps from COCO panoptic annotations'
    ),
    'dataset pascal-part-to-person-part': Command(
        'datasets.pascal_part_to_person_part', "index PNGs from PASCAL-Part's annotations"
    ),
    'dataset sbd-to-voc': Command('datasets.sbd_to_voc', 'index PNGs and lists from SBD'),
    'dataset split-labels': Command(
        'datasets.split_labels', 'choose the labelled images of a semi-supervised training'
    ),
    'dataset stl10-to-vectors': Command(
        'datasets.stl10_to_vectors', "STL-10's binaries as points for clustering"
    ),
    'dataset texts-to-vectors': Command(
        'datasets.texts_to_vectors', 'texts as points for clustering'
    ),
    'dataset xml-to-voc': Command('datasets.xml_to_voc', 'VOC layout from images and XML files'),
    'few-shot': Command('', 'predict weights of classes from a few images'),
    'few-shot build-bank': Command(
        'few_shot.build_bank', "keep a classifier's activations for every image"
    ),
    'few-shot build-box-bank': Command(
        'few_shot.build_box_bank', "keep a detector's activations for its boxes"
    ),
    'few-shot compare-boxes': Command(
        'few_shot.compare_boxes', 'compare detectors that were taught from boxes'
    ),
    'few-shot hold-out-boxes': Command(
        'few_shot.hold_out_boxes', 'part COCO annotations for a class to be taught later'
    ),
    'few-shot teach-boxes': Command(
        'few_shot.teach_boxes', 'teach a detector new classes from boxes'
    ),
    'few-shot compare': Command('few_shot.compare', 'compare methods on banks of activations'),
    'few-shot episodes': Command(
        'few_shot.episodes', 'measure tasks of few classes and samples on a bank'
    ),
    'few-shot teach': Command('few_shot.teach', 'teach a classifier new classes from photographs'),
    'few-shot split-classes': Command(
        'few_shot.split_classes', 'part class folders into large classes and few ones'
    ),
    'panoptic': Command('', 'merge things and stuff, and evaluate the result'),
    'panoptic evaluate': Command('panoptic.evaluate', 'PQ, SQ and RQ of each class'),
    'panoptic merge': Command('panoptic.merge', "merge them into COCO's panoptic format"),
    'export': Command('', 'write a network in another form'),
    'export onnx': Command('deployment.export_onnx', 'a detector or classifier to ONNX'),
    'export rejuvenated': Command(
        'model_converters.export_rejuvenated', 'a rejuvenated network without dead channels'
    ),
    'export split-views': Command(
        'model_converters.split_views', 'the views of a co-trained classifier, one by one'
    ),
    'export stacked-unet': Command(
        'model_converters.stacked_unet', 'a published checkpoint of a Stacked U-Net'
    ),
    'export warm-start-detectors': Command(
        'model_converters.warm_start_detectors', "an HTC's weights, to go on as DetectoRS"
    ),
    'demo': Command('demo.run_demo', 'render data, train a small detector, evaluate, draw'),
    'env': Command('env', 'say what is wrong with this environment and what to type'),
    'completion': Command('completion', 'print what lets a shell complete these commands'),
}
# The names of modules, which ``python -m mmvisx.cli`` took before there were others.
PATHS = {c.module.replace('.', '/'): name for name, c in COMMANDS.items() if c.module}
PATHS['demo/seg_demo'] = 'predict'
PATHS['demo/teach_demo'] = 'few-shot teach'


def run() -> None:
    """Run the command line; what ``mmvisx`` calls."""
    run_cli(main)


def main() -> int | None:
    """Run the command that the arguments name, with the rest of them.

    Raises:
        UserError: there is no such command; the message names similar ones.
    """
    if '_ARGCOMPLETE' in os.environ:
        from .completion import complete

        complete()  # exits
    name, rest = split(sys.argv[1:])
    if name and COMMANDS[name].module:
        sys.argv = [f'mmvisx {name}', *rest]
        return import_module(f'mmvisx.cli.{COMMANDS[name].module}').main()
    if rest and rest[0] not in HELP:
        names = [key.rpartition(' ')[2] for key in below(name)]
        hint = similar(rest[0], names) or similar(rest[0], COMMANDS)
        raise UserError(f'no command {rest[0]!r}{hint}; {title(name)} --help lists all')
    print(usage(name))
    return 0 if rest else 1


def title(group: str) -> str:
    """Return how a group is called, ``mmvisx`` itself for ''."""
    return f'mmvisx {group}'.rstrip()


def split(words: list[str]) -> tuple[str, list[str]]:
    """Return the command or group that words begin with, '' where it is none, and the rest."""
    first = PATHS.get(words[0], words[0]) if words else ''
    if first not in COMMANDS:
        return '', words
    if not COMMANDS[first].module and len(words) > 1:
        second = f'{first} {words[1].replace("_", "-")}'
        if second in COMMANDS:
            return second, words[2:]
    return first, words[1:]


def below(group: str) -> list[str]:
    """Return the commands of a group; those of no group and the groups for ''."""
    return [name for name in COMMANDS if name.rpartition(' ')[0] == group]


def usage(group: str) -> str:
    """Return the help of ``mmvisx`` or of a group of commands."""
    rows = {name.rpartition(' ')[2]: COMMANDS[name].help for name in below(group)}
    width = max(map(len, rows))
    lines = [f'usage: {title(group)} COMMAND ...', '']
    if group:
        lines += [COMMANDS[group].help, '']
    lines += [f'  {word:<{width}}  {text}' for word, text in rows.items()]
    return '\n'.join([*lines, '', f'{title(group)} COMMAND --help says what a command takes.'])
