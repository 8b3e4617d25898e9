"""What a model gets of a frame and of a pair."""

import numpy as np
import torch

from mmvisx.datasets import DVPSDataset
from mmvisx.datasets.transforms import PackPanopticFrames
from tests.helpers.vip_deeplab_clips import write_clips

RNG = np.random.default_rng(0)


def frame(prefix=''):
    return {
        f'{prefix}img': RNG.integers(0, 255, (4, 6, 3), np.uint8),
        f'{prefix}gt_panoptic_map': RNG.integers(0, 2**30, (4, 6)).astype(np.int32),
        f'{prefix}gt_depth_map': RNG.random((4, 6), np.float32),
    }


def test_a_pair_with_targets():
    given = frame() | frame('next_') | dict(video_id='a', frame_id=3, thing_labels=(0, 2))
    given['gt_targets'] = dict(
        offset=RNG.random((2, 4, 6), np.float32), offset_mask=np.ones((1, 4, 6), bool)
    )
    packed = PackPanopticFrames()(given)
    assert packed['inputs'].shape == (2, 3, 4, 6)
    assert packed['inputs'].dtype == torch.uint8
    sample = packed['data_samples']
    for number, prefix in enumerate(('', 'next_')):
        assert np.array_equal(packed['inputs'][number].permute(1, 2, 0), given[f'{prefix}img'])
        codes = sample.get(f'{prefix}gt_panoptic_seg').sem_seg
        assert (codes.shape, codes.dtype) == ((1, 4, 6), torch.int64)
        assert np.array_equal(codes[0], given[f'{prefix}gt_panoptic_map'])
        depth = sample.get(f'{prefix}gt_depth_map').data
        assert np.array_equal(depth[0], given[f'{prefix}gt_depth_map'])
    assert (sample.video_id, sample.frame_id, sample.thing_labels) == ('a', 3, (0, 2))
    for key, values in given['gt_targets'].items():
        assert np.array_equal(sample.gt_targets.get(key), values)


def test_a_frame_without_labels():
    packed = PackPanopticFrames()(dict(img=np.zeros((4, 6, 3), np.uint8)))
    assert packed['inputs'].shape == (3, 4, 6)
    assert packed['data_samples'].keys() == []


def test_the_pipeline_of_a_training(tmp_path):
    steps = [
        dict(type='LoadPanopticFrames'),
        dict(type='FrameAutoAugment'),
        dict(type='RandomFrameScale'),
        dict(type='RandomFrameRotation'),
        dict(type='RandomFrameCrop', size=(16, 24), pad=True),
        dict(type='RandomFrameFlip'),
        dict(type='GeneratePanopticTargets'),
        dict(type='PackPanopticFrames'),
    ]
    pipeline = [dict(step, type=f'mmvisx.{step["type"]}') for step in steps]
    dataset = DVPSDataset(**write_clips(tmp_path), pipeline=pipeline)
    np.random.seed(0)
    packed = dataset[1]
    assert packed['inputs'].shape == (2, 3, 16, 24)
    targets = packed['data_samples'].gt_targets
    assert {'semantic', 'centre', 'offset', 'next_offset', 'depth'} <= set(targets.keys())
    assert {values.shape[-2:] for values in targets.values()} == {(16, 24)}
    codes = packed['data_samples'].gt_panoptic_seg.sem_seg
    known = targets.semantic != 255
    assert np.array_equal(targets.semantic[known], (codes % 1000)[known])
    # The offsets of both frames lead to the centre of the only car.
    assert (codes == 4000).any()
    places = torch.from_numpy(np.indices((16, 24)))
    for prefix in ('', 'next_'):
        mask = targets.get(f'{prefix}offset_mask')[0]
        ends = (places + targets.get(f'{prefix}offset'))[:, mask]
        assert len(torch.unique(ends, dim=1).T) == 1
