"""What test_distributed.py runs, in one process or in each of two.

python -m torch.distributed.run --nproc_per_node 2 two_processes.py FOLDER
"""

import gc
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import HOOKS
from mmengine.structures import InstanceData

IMAGES = 4
SIZE = 64
SIDES = (44.0, 10.0, 20.0, 30.0)  # of the objects: one for each level of the pyramid
STEPS = 2


def detector(with_cp: bool) -> torch.nn.Module:
    """Return a one-stage detector with RFP and SAC, without sampling or batch statistics.

    FCOS divides its losses by a number of positives that is reduced over the processes.
    """
    register_all_modules(init_default_scope=False)
    torch.manual_seed(0)
    backbone = dict(
        type='mmvisx.DetectoRSResNet',
        depth=14,
        base_channels=8,
        norm_eval=True,
        with_cp=with_cp,
        conv_cfg=dict(type='mmvisx.ConvAWS2d'),
        sac=dict(type='mmvisx.SwitchableAtrousConv2d', use_deform=True),
    )
    model = MODELS.build(
        dict(
            type='FCOS',
            _scope_='mmdet',
            data_preprocessor=dict(
                type='DetDataPreprocessor', mean=[0.0] * 3, std=[255.0] * 3, pad_size_divisor=32
            ),
            backbone=dict(output_img=True, **backbone),
            neck=dict(
                type='mmvisx.RecursiveFeaturePyramid',
                rfp_steps=2,
                rfp_backbone=dict(rfp_inplanes=32, **backbone),
                aspp_out_channels=8,
                in_channels=[32, 64, 128, 256],
                out_channels=32,
                num_outs=4,
            ),
            bbox_head=dict(
                type='FCOSHead',
                num_classes=3,
                in_channels=32,
                feat_channels=32,
                stacked_convs=1,
                strides=[4, 8, 16, 32],
                regress_ranges=((-1, 8), (8, 16), (16, 24), (24, 1e8)),
                norm_cfg=dict(type='GN', num_groups=8),
            ),
        )
    )
    model.init_weights()
    # Much starts at zero, and would hide the gradient of what lies behind it.
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model.train()


def images(first: int, last: int) -> dict:
    """Return a part of the global batch; the images have different numbers of objects."""
    inputs, samples = [], []
    for index in range(first, last):
        generator = torch.Generator().manual_seed(index)
        inputs.append(torch.randint(0, 256, (3, SIZE, SIZE), generator=generator))
        sides = torch.tensor(SIDES[: 1 + index])[:, None]
        corner = torch.rand(1 + index, 2, generator=generator) * (SIZE - sides)
        sample = DetDataSample(
            metainfo=dict(
                img_shape=(SIZE, SIZE),
                ori_shape=(SIZE, SIZE),
                scale_factor=(1.0, 1.0),
                img_id=index,
            )
        )
        sample.gt_instances = InstanceData(
            bboxes=torch.cat([corner, corner + sides], 1),
            labels=torch.randint(0, 3, (1 + index,), generator=generator),
        )
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


def losses_and_gradients(with_cp: bool, rank: int = 0, world: int = 1) -> dict:
    """Return the losses of each step and the gradients summed over them, as a process sees them."""
    model = detector(with_cp)
    wrapped = MMDistributedDataParallel(model) if world > 1 else model
    share = IMAGES // world
    losses = []
    # A parameter that the loss does not reach makes the second step fail.
    for _ in range(STEPS):
        data = model.data_preprocessor(images(rank * share, (rank + 1) * share), True)
        terms = wrapped(**data, mode='loss')
        total, _ = model.parse_losses(terms)
        total.backward()
        losses.append({name: value.item() for name, value in terms.items()})
    gradients = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
    return dict(losses=losses, gradients=gradients)


# Tests import this file under more than one name.
@HOOKS.register_module(force=True)
class SaveRankHook(Hook):
    """Save every process's weights at the end, where a checkpoint holds the first one's."""

    def after_train(self, runner) -> None:
        """Write ``rank{N}.pth`` into the work dir."""
        model = getattr(runner.model, 'module', runner.model)
        weights = {name: p.detach() for name, p in model.named_parameters()}
        content = dict(weights=weights, world=dist.get_world_size(), backend=dist.get_backend())
        torch.save(content, Path(runner.work_dir) / f'rank{dist.get_rank()}.pth')


def main() -> None:
    """Write what each process found into the folder."""
    dist.init_process_group('gloo')
    rank, world = dist.get_rank(), dist.get_world_size()
    found = {with_cp: losses_and_gradients(with_cp, rank, world) for with_cp in (False, True)}
    torch.save(found, Path(sys.argv[1]) / f'rank{rank}.pth')
    # A model under DDP that is alive, if only in a reference cycle, may block this for ever.
    gc.collect()
    dist.destroy_process_group()


if __name__ == '__main__':
    main()
