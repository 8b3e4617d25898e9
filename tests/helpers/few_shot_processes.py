"""What the tests of few-shot run in processes of their own, which are killed or see each other.

python few_shot_processes.py bank|teach|train FOLDER
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import Runner
from torch.optim import SGD

from mmvisx.apis import few_shot_bank
from mmvisx.apis.few_shot_teach import TeachableClassifier
from mmvisx.apis.run import prepare_config
from mmvisx.models.classifiers import PredictorTraining

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'few_shot'
STEPS = 4


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def build(folder):
    """Be killed when ten images are done, of which five are recorded."""
    few_shot_bank._RECORDED = 5
    few_shot_bank.build_bank(
        Config.fromfile(folder / 'config.py'),
        folder / 'weights.pth',
        folder / 'bank',
        report=lambda done, _: done == 10 and die(),
    )


def teach(folder):
    """Teach, save, predict, teach more, and be killed while that is saved."""
    cfg = Config.fromfile(folder / 'config.py')
    model = TeachableClassifier(
        cfg, folder / 'weights.pth', folder / 'bank', show_progress=False, device='cpu'
    )
    model.add_photos('dog', [folder / 'images/ant/0.png', folder / 'images/cat/1.png'])
    model.save(folder / 'taught.pth')
    found = model(str(folder / 'images/bee'))['predictions']
    (folder / 'found.json').write_text(json.dumps(found))
    model.add_photos('elk', [folder / 'images/bee/0.png'])
    torch.serialization._save = die  # the file is open then
    model.save(folder / 'taught.pth')


def train(folder, rank=0, world=1):
    """Return the sets that a process sees in a training of phi-2 by its recipe, and the weights."""
    options = {
        'train_dataloader.dataset': dict(bank=str(folder / 'bank'), steps=2 * STEPS, p_mean=0.5),
        'train_dataloader.batch_size': 2 // world,
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
        'model.predictor.channels': 6,
    }
    cfg = prepare_config(CONFIGS / 'phi2_resnet50_imagenet900.py', folder / 'work', options)
    model = PredictorTraining(cfg.model.predictor)
    trained = MMDistributedDataParallel(model) if world > 1 else model
    optimizer = SGD(model.parameters(), lr=0.1)
    seen = []
    for data in Runner.build_dataloader(cfg.train_dataloader):
        seen += data['statistics']
        optimizer.zero_grad()
        trained(**data, mode='loss')['loss'].backward()
        optimizer.step()
    return dict(seen=torch.stack(seen), weights=dict(model.state_dict()))


def train_two(folder):
    """Train in one of two processes."""
    dist.init_process_group('gloo')
    rank = dist.get_rank()
    torch.save(train(folder, rank, 2), folder / f'rank{rank}.pth')
    dist.destroy_process_group()


if __name__ == '__main__':
    dict(bank=build, teach=teach, train=train_two)[sys.argv[1]](Path(sys.argv[2]))
