"""DVPQMetric: frames, clips and repetitions; 16-bit depth; what is refused."""

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData
from PIL import Image

from mmvisx.evaluation import DVPQMetric
from mmvisx.utils import UserError
from tests.helpers.vip_deeplab import CLASSES, IGNORE, THINGS, code, frames, random_clip, reference

NAMES = tuple('abcd'[:CLASSES])
META = dict(classes=NAMES, thing_classes=NAMES[:THINGS])


def evaluate(samples, **config):
    """Run the metric over samples that come alone."""
    metric = DVPQMetric(**config)
    metric.dataset_meta = META
    for sample in samples:
        metric.process({}, [sample])
    return metric.evaluate(len(samples))


def quality(statistics):
    """VPQ of each class by Eq. 7.1, NaN where it does not occur."""
    with np.errstate(invalid='ignore'):
        return statistics[:, 0] / (statistics[:, 1] + statistics[:, 2:].sum(axis=1) / 2)


def test_two_clips_by_sets_of_pixels():
    clips = [random_clip(1), random_clip(2)]
    found = evaluate(frames(clips[0], 'a') + frames(clips[1], 'b'), window_sizes=(1, 3))
    for size in (1, 3):
        for name, threshold in (('VPQ_k{}', None), ('DVPQ_k{}_0.25', '0.25')):
            wanted = quality(sum(reference(clip, size, threshold) for clip in clips))
            name = name.format(size)
            assert found[f'dvps/{name}'] == pytest.approx(np.nanmean(wanted))
            assert found[f'dvps/{name}_th'] == pytest.approx(np.nanmean(wanted[:THINGS]))
            assert found[f'dvps/{name}_st'] == pytest.approx(np.nanmean(wanted[THINGS:]))
    cells = [found[f'dvps/DVPQ_k{k}_{t}'] for k in (1, 3) for t in (0.1, 0.25, 0.5)]
    assert found['dvps/DVPQ'] == pytest.approx(np.mean(cells))
    shares, errors = [], []
    for _, _, depth, guess in clips:
        for true, predicted in zip(depth, guess, strict=True):
            error = abs(predicted - true)[true > 0] / true[true > 0]
            errors.append(error.mean())
            shares.append((error <= 0.25 + 1e-9).mean())
    assert found['dvps/absRel'] == pytest.approx(np.mean(errors))
    assert found['dvps/inlier_0.25'] == pytest.approx(np.mean(shares))


def test_clips_frames_and_repeated_frames_are_the_same():
    clip = random_clip(3)
    alone = evaluate(frames(clip))
    assert evaluate([dict(video_data_samples=frames(clip))]) == alone
    other_order = evaluate(frames(clip)[::-1] + frames(clip)[:2])
    assert other_order == pytest.approx(alone, abs=1e-12)


def test_samples_of_mmdet():
    clip = random_clip(4)
    samples = []
    for frame in frames(clip):
        sample = DetDataSample(
            metainfo=dict(video_id=frame['video_id'], frame_id=frame['frame_id'])
        )
        for key in ('gt_panoptic_seg', 'pred_panoptic_seg', 'gt_depth_map', 'pred_depth_map'):
            setattr(sample, key, PixelData(**frame[key]))
        samples.append(sample)
    track = TrackDataSample()
    track.video_data_samples = samples
    for data_samples in (samples, [track]):
        evaluator = Evaluator(DVPQMetric())
        evaluator.dataset_meta = META
        evaluator.process(data_samples)
        assert evaluator.evaluate(len(data_samples)) == evaluate(frames(clip))


@pytest.mark.parametrize('size', [20, 80, 350])
def test_over_and_underestimates_count_alike_from_16_bit_files(tmp_path, size):
    """Subtracting arrays of unsigned integers would wrap round."""
    found = []
    for off in (size, -size):
        depth = np.full((1, 4, 6), 1000)
        for name, values in (('true', depth), ('guess', depth + off)):
            Image.fromarray(values[0].astype(np.uint16)).save(tmp_path / f'{name}.png')
        true, guess = (
            np.asarray(Image.open(tmp_path / f'{name}.png'))[None] for name in ('true', 'guess')
        )
        assert true.dtype == guess.dtype == np.uint16
        codes = np.full(true.shape, code(2, 0))
        found.append(
            evaluate(frames((codes, codes, true, guess), dtype=np.uint16), window_sizes=(1,))
        )
    assert found[0] == pytest.approx(found[1], nan_ok=True)  # there are no things
    assert found[0]['dvps/DVPQ'] == pytest.approx({20: 1, 80: 1, 350: 1 / 3}[size])
    assert found[0]['dvps/absRel'] == pytest.approx(size / 1000)


def test_without_depth():
    clip = random_clip(5)
    with_depth = evaluate(frames(clip))
    samples = [{k: v for k, v in f.items() if 'depth' not in k} for f in frames(clip)]
    found = evaluate(samples, thresholds=())
    assert found == {key: with_depth[key] for key in found}
    assert {*found} == {
        f'dvps/VPQ{k}{kind}'
        for k in ('', '_k1', '_k2', '_k3', '_k4')
        for kind in ('', '_th', '_st')
    }
    with pytest.raises(UserError, match=r"frame 0: there is no 'gt_depth_map'; .* thresholds=\(\)"):
        evaluate(samples)


def test_no_known_depth():
    clip = random_clip(6)
    found = evaluate(frames((clip[0], clip[1], 0 * clip[2], clip[3])))
    assert np.isnan(found['dvps/absRel'])
    assert found['dvps/DVPQ'] == pytest.approx(found['dvps/VPQ'])


def test_published_means_and_crowds_of_training():
    clip = random_clip(7)
    found = evaluate(frames(clip), average='all', zero_is_crowd=True)
    wanted = quality(reference(clip, 2, '0.5', zero_is_crowd=True))
    assert found['dvps/DVPQ_k2_0.5'] == pytest.approx(np.nan_to_num(wanted).mean())


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (dict(window_sizes=(0, 2)), r'window_sizes=\[0, 2\] must all be above 0'),
        (dict(window_sizes=()), 'window_sizes is empty'),
        (dict(thresholds=(0.1, -0.5)), r'thresholds=\[0.1, -0.5\] must all be above 0'),
        (dict(average='some'), "average='some' must be 'present' or 'all'"),
    ],
)
def test_bad_arguments(config, message):
    with pytest.raises(UserError, match=message):
        DVPQMetric(**config)


def test_short_clips_and_missing_frames_are_named():
    with pytest.raises(UserError, match='video a has 3 frames, a window of k=4 needs as many'):
        evaluate(frames(random_clip(8))[:3])
    with pytest.raises(UserError, match=r'video a has no frame 1 of 0\.\.'):
        evaluate([f for f in frames(random_clip(8)) if f['frame_id'] != 1])


def test_bad_frames_are_named():
    clip = random_clip(9)
    samples = frames(clip)
    samples[2]['gt_panoptic_seg']['sem_seg'][0, 0, 0] = code(9, 3)
    with pytest.raises(UserError, match='video a, frame 2: the ground truth has the class 9'):
        evaluate(samples)
    samples = frames(clip)
    samples[1]['pred_depth_map']['data'][0, 0, 0] = float('nan')
    with pytest.raises(UserError, match='video a, frame 1: the depth of the prediction holds NaN'):
        evaluate(samples)
    samples = frames(clip)
    samples[0]['pred_panoptic_seg']['sem_seg'] = torch.zeros(1, 3, 3, dtype=int)
    with pytest.raises(UserError, match=r'frame 0: the panoptic map .* shape \(3, 3\)'):
        evaluate(samples)


def test_void_of_another_number():
    clip = random_clip(10)
    found = evaluate(frames(clip))
    clip[0][clip[0] % 1000 == IGNORE] += 32 - IGNORE
    assert evaluate(frames(clip), ignore_index=32) == found
