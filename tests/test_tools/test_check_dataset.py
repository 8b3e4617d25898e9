import json
import subprocess
import sys

import pytest

from mmvisx.cli.datasets.check_dataset import main
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from mmvisx.utils import UserError


@pytest.fixture(scope='module')
def shapes(tmp_path_factory):
    out = tmp_path_factory.mktemp('shapes') / 'out'
    make_shapes(out, ShapesConfig(train=2, val=1, size=64))
    return out


def coco_arguments(shapes):
    coco = shapes / 'coco'
    return [
        str(coco / 'annotations' / 'instances_train.json'),
        '--images',
        str(coco / 'train'),
        '--stuff',
        str(coco / 'stuffthingmaps' / 'train'),
    ]


def test_shapes_are_clean_in_both_layouts(shapes, capsys):
    assert main(coco_arguments(shapes)) == 0
    voc = str(shapes / 'VOCdevkit' / 'VOC2012')
    names = 'disc,square,triangle,star,cross,crescent'
    assert main([voc, '--split', 'trainval', '--classes', names]) == 0
    assert '0 faults' in capsys.readouterr().out


def test_faults_give_a_table_a_report_and_exit_code_1(shapes, tmp_path, capsys):
    arguments = coco_arguments(shapes)
    content = json.loads((shapes / 'coco' / 'annotations' / 'instances_train.json').read_text())
    content['annotations'][0]['bbox'] = [5, 5, 0, 0]
    arguments[0] = str(tmp_path / 'ann.json')
    (tmp_path / 'ann.json').write_text(json.dumps(content))
    assert main([*arguments, '--json', str(tmp_path / 'report.json')]) == 1
    assert 'box of no area' in capsys.readouterr().out
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['faults'] == report['checks']['box of no area']['count'] == 1


def test_coco_needs_the_image_folder():
    with pytest.raises(UserError, match='--images'):
        main(['ann.json'])


def test_command_line_error_is_short(repo, tmp_path):
    command = ['tools/datasets/check_dataset.py', str(tmp_path / 'no.json'), '--images', '.']
    done = subprocess.run([sys.executable, *command], cwd=repo, capture_output=True, text=True)
    assert done.returncode == 1
    assert 'no.json does not exist' in done.stderr
    assert 'Traceback' not in done.stderr


@pytest.mark.realdata
def test_real_data_is_clean(realdata):
    coco = realdata / 'coco128'
    instances = str(coco / 'annotations' / 'instances_val32.json')
    assert main([instances, '--images', str(coco / 'train2017')]) == 0
    assert main([str(realdata / 'voc2012_det100' / 'VOCdevkit' / 'VOC2012'), '--split', 'val']) == 0
