"""tools/train.py: what it writes, how it resumes, what it refuses."""

import subprocess
import sys

import pytest
import torch

from mmvisx.utils import UserError


@pytest.fixture
def train(tool, tiny_config, tiny_coco, tmp_path):
    def call(*arguments, options=()):
        tool(
            'tools/train.py', tiny_config, '--work-dir', tmp_path / 'work', *arguments,
            '--cfg-options', f'data_root={tiny_coco}', *options,
        )  # fmt: skip
        return tmp_path / 'work'

    return call


def test_writes_log_and_checkpoint(trained):
    checkpoint = torch.load(trained / 'epoch_1.pth', weights_only=True)
    assert checkpoint['meta']['iter'] == 2
    assert checkpoint['meta']['dataset_meta']['classes'] == ('box', 'disc')
    assert (trained / 'tiny_mask_rcnn.py').is_file()
    assert len(list(trained.glob('*/vis_data/scalars.json'))) == 1


def test_resume_goes_on_and_keeps_what_is_there(train, trained):
    work = train('--resume', trained / 'epoch_1.pth', options=['train_cfg.max_epochs=2'])
    assert (work / 'epoch_2.pth').is_file()
    assert not (work / 'epoch_1.pth').exists()  # the first epoch was not repeated
    assert torch.load(work / 'epoch_2.pth', weights_only=True)['meta']['iter'] == 4
    train('--resume', options=['train_cfg.max_epochs=3', 'val_evaluator.metric=bbox'])
    assert torch.load(work / 'epoch_3.pth', weights_only=True)['meta']['iter'] == 6


def test_resume_from_weights_only(train, trained, tmp_path):
    weights = torch.load(trained / 'epoch_1.pth', weights_only=True)['state_dict']
    torch.save({'state_dict': weights}, tmp_path / 'weights.pth')
    with pytest.raises(UserError, match='holds weights only'):
        train('--resume', tmp_path / 'weights.pth')


def test_resume_from_another_architecture(train, trained):
    with pytest.raises(UserError, match='of another model'):
        train('--resume', trained / 'epoch_1.pth', options=['model.backbone.base_channels=16',
              'model.neck.in_channels=[16,32,64,128]'])  # fmt: skip


def test_load_from_another_architecture(train, trained):
    with pytest.raises(UserError, match=r'of another model.*model\.backbone\.init_cfg'):
        train(options=[f'load_from={trained}/epoch_1.pth', 'model.backbone.base_channels=32',
              'model.neck.in_channels=[32,64,128,256]'])  # fmt: skip


def test_load_from_with_other_classes_is_fine(train, trained, capfd):
    train(
        options=[
            f'load_from={trained}/epoch_1.pth',
            'model.roi_head.mask_head.num_classes=3',
            'val_cfg=None',
            'val_dataloader=None',
            'val_evaluator=None',
        ]
    )
    assert 'loaded in part' in capfd.readouterr().out


def test_missing_checkpoint(train):
    with pytest.raises(UserError, match=r'nothing\.pth does not exist'):
        train('--resume', 'nothing.pth')


def test_non_finite_loss_names_the_term_and_keeps_the_checkpoint(train, trained, tmp_path):
    work = train()
    kept = (work / 'epoch_1.pth').read_bytes()
    with pytest.raises(UserError, match=r'iteration 3: .*loss_mask=(nan|inf).*epoch_1\.pth'):
        train('--resume', options=['train_cfg.max_epochs=2',
              'model.roi_head.mask_head.loss_mask.loss_weight=1e39'])  # fmt: skip
    assert (work / 'epoch_1.pth').read_bytes() == kept
    assert not (work / 'epoch_2.pth').exists()


def test_misspelt_option(train):
    with pytest.raises(UserError, match=r'batch_sizze.*batch_size'):
        train(options=['train_dataloader.batch_sizze=1'])


def test_unknown_type(train):
    with pytest.raises(UserError, match=r"model\.neck\.type='FPNN'.*FPN"):
        train(options=['model.neck.type=FPNN'])


def test_auto_scale_lr_without_a_base(train):
    with pytest.raises(UserError, match='base_batch_size'):
        train('--auto-scale-lr')


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_amp_without_gpu(train):
    work = train('--amp')
    assert torch.load(work / 'epoch_1.pth', weights_only=True)['meta']['iter'] == 2
    assert 'mmvisx.BFloat16OptimWrapper' in (work / 'tiny_mask_rcnn.py').read_text()


def test_command_line_prints_one_short_message(repo):
    run = subprocess.run(
        [sys.executable, 'tools/train.py', 'configs/no_such.py'],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].startswith('error: config file configs/no_such.py')
    assert 'Traceback' not in run.stderr


@pytest.mark.slow
def test_two_processes(repo, tiny_config, tiny_coco, tmp_path):
    run = subprocess.run(
        ['bash', 'tools/dist_train.sh', tiny_config, '2', '--work-dir', tmp_path,
         '--cfg-options', f'data_root={tiny_coco}', 'val_evaluator.metric=bbox'],
        cwd=repo, capture_output=True, text=True, check=False,
        env={'PATH': '/usr/bin:/bin', 'PYTHON': sys.executable, 'PORT': '29611',
             'PYTHONPATH': str(repo), 'OMP_NUM_THREADS': '1'},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    assert torch.load(tmp_path / 'epoch_1.pth', weights_only=True)['meta']['iter'] == 1
