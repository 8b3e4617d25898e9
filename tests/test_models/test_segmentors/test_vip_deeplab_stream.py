"""Whole videos: what the network says exactly must come out exactly, frame after frame."""

import math
from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import BaseDataElement

import mmvisx.models  # noqa: F401 - registers everything
from mmvisx.models.segmentors.vip_deeplab_stream import (
    InferenceOptions,
    _upright,
    _upright_offset,
    stream,
)
from mmvisx.registry import MODELS
from mmvisx.utils import UserError
from tests.helpers.vip_deeplab_model import config

HEIGHT, WIDTH, FRAMES = 12, 40, 5
THINGS = (0, 1)


def true_codes():
    """Two things that jump by more than their width; the second comes with frame 2."""
    codes = torch.full((FRAMES, HEIGHT, WIDTH), 2)
    codes[:, 6:] = 3
    for t in range(FRAMES):
        codes[t, 2:6, 7 * t : 7 * t + 4] = 1000
        if t >= 2:
            codes[t, 7:10, 36 - 6 * t : 39 - 6 * t] = 2001
    return codes


class Oracle:
    """Says of each frame what is true; a frame's image holds its number."""

    next_decoder = object()
    depth_head = SimpleNamespace(metres=lambda logits: logits)

    def __init__(self):
        self.codes, self.looks = true_codes(), []

    def centres(self, t):
        found = {}
        for code in self.codes[t].unique().tolist():
            if code >= 1000:
                found[code] = (self.codes[t] == code).nonzero().float().mean(dim=0).round()
        return found

    def offsets(self, t, first):
        """To the centres of frame ``first``; those of things that it has not lead nowhere."""
        own = self.codes[t]
        grid = torch.stack(torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing='ij'))
        out = torch.full((2, HEIGHT, WIDTH), 500.0)
        for code, centre in self.centres(first).items():
            out = torch.where(own == code, centre[:, None, None] - grid, out)
        return out[None]

    def extract_feat(self, image):
        self.looks.append(int(image[0, 0, 0, 0]))
        return self.looks[-1]

    def frame_outputs(self, t):
        classes = self.codes[t] % 1000
        centre = torch.zeros(1, 1, HEIGHT, WIDTH)
        for y, x in self.centres(t).values():
            centre[0, 0, int(y), int(x)] = 1
        return dict(
            semantic=20 * torch.nn.functional.one_hot(classes, 4).permute(2, 0, 1)[None].float(),
            centre=centre,
            offset=self.offsets(t, t),
            depth=torch.full((1, 1, HEIGHT, WIDTH), float(t)),
        )

    def next_offset(self, first, second):
        return self.offsets(second, first)


def images(model=None):
    for t in range(FRAMES):
        yield torch.full((3, HEIGHT, WIDTH), float(t)), (HEIGHT, WIDTH)


def options(**changes):
    return InferenceOptions(
        **dict(thing_labels=THINGS, centre_window=3, stuff_share=0, reject_distance=50) | changes
    )


def test_the_truth_comes_out_as_it_is():
    model = Oracle()
    results = list(stream(model, images(), options()))
    assert len(results) == FRAMES
    ids = {}
    for t, result in enumerate(results):
        # Ids are named by their first sight: the maps are equal but for their names.
        pairs = torch.stack([model.codes[t].flatten(), result.panoptic.flatten()]).unique(dim=1)
        for true, found in pairs.T.tolist():
            assert ids.setdefault(true, found) == found
        assert (result.depth == t).all()
        assert len(result.centres) == (2 if t >= 2 else 1)
    assert len(set(ids.values())) == len(ids) == 4
    assert all(true % 1000 == found % 1000 for true, found in ids.items())
    assert results[-1].next_panoptic is None
    for t in range(FRAMES - 1):
        # What is there of the next frame: all but what is new in it.
        after = results[t + 1].panoptic
        known = torch.isin(after, results[t].panoptic)
        assert torch.equal(results[t].next_panoptic[known], after[known])


def test_overlap_loses_what_jumps():
    results = list(stream(Oracle(), images(), options(tracking='overlap')))
    first = [int(r.panoptic[3, 7 * t + 1]) for t, r in enumerate(results)]
    assert len(set(first)) == FRAMES
    assert all(r.next_panoptic is None for r in results)


def test_without_rejection_what_is_new_joins_what_is_old():
    results = list(stream(Oracle(), images(), options(reject_distance=math.inf)))
    # Frame 1 calls the newcomer of frame 2 its only object, by whose class it is void or joined.
    assert (results[1].next_panoptic[7:10, 24:27] >= 1000).all()


def test_each_frame_is_looked_at_once_and_a_result_is_one_frame_late():
    model = Oracle()
    running = stream(model, images(), options())
    for t in range(FRAMES):
        next(running)
        assert model.looks == list(range(min(t + 2, FRAMES)))
    with pytest.raises(StopIteration):
        next(running)
    assert list(stream(model, iter(()), options())) == []


def test_a_video_of_one_frame():
    results = list(stream(Oracle(), [next(images())], options()))
    assert len(results) == 1
    assert results[0].next_panoptic is None


def test_frames_of_different_sizes():
    frames = [(torch.zeros(3, HEIGHT, WIDTH), (HEIGHT, WIDTH)), (torch.ones(3, 8, 8), (8, 8))]
    with pytest.raises(UserError, match=r'sizes \(12, 40\) and \(8, 8\): bring them to one size'):
        list(stream(Oracle(), frames, options()))


def test_views_are_turned_back():
    maps = torch.rand(1, 3, 4, 6)
    assert torch.equal(_upright(maps.flip(3), (4, 6), True), maps[0])
    offset = torch.stack([torch.full((4, 6), 3.0), torch.full((4, 6), -5.0)])[None]
    # From a mirrored view of 8 x 24 pixels to a result of 16 x 12.
    y, x = _upright_offset(offset, (8, 24), (16, 12), True)
    torch.testing.assert_close(y, torch.full((16, 12), 6.0))
    torch.testing.assert_close(x, torch.full((16, 12), 2.5))


def nano():
    torch.manual_seed(0)
    return MODELS.build(dict(config(), type='mmvisx.ViPDeepLab')).eval()


def test_views_of_a_network_are_averaged():
    """A mirrored video gives the mirrored result of both views together."""
    model = nano()
    frames = torch.randn(2, 3, 32, 64, generator=torch.Generator().manual_seed(0))
    choice = InferenceOptions(thing_labels=THINGS, flip=True, centre_threshold=-1, max_centres=3)

    def depth(video):
        return next(stream(model, [(f, (32, 64)) for f in video], choice)).depth

    torch.testing.assert_close(depth(frames), depth(frames.flip(3)).flip(1))


def test_a_view_of_half_the_size_sees_twice_the_depth():
    model = nano()
    frame = torch.randn(3, 64, 128, generator=torch.Generator().manual_seed(0))
    small = torch.nn.functional.interpolate(
        frame[None], (32, 64), mode='bilinear', align_corners=True
    )
    choice = InferenceOptions(thing_labels=THINGS, scales=(0.5,))
    found = next(stream(model, [(frame, (64, 128))], choice)).depth
    with torch.no_grad():
        logits = model.frame_outputs(model.extract_feat(small))['depth']
    wanted = 0.5 * 20 * torch.sigmoid(_upright(logits, (64, 128), False)[0])
    torch.testing.assert_close(found, wanted)


def test_predict_fills_in_videos_and_images():
    model = nano()
    video = torch.randn(1, 3, 3, 32, 64, generator=torch.Generator().manual_seed(0))
    frames = [BaseDataElement(metainfo=dict(ori_shape=(16, 32))) for _ in range(3)]
    (sample,) = model(video, [BaseDataElement(video_data_samples=frames)], mode='predict')
    wanted = stream(model, [(f, (16, 32)) for f in video[0]], model.options)
    for frame, result in zip(sample.video_data_samples, wanted, strict=True):
        assert torch.equal(frame.pred_panoptic_seg.sem_seg[0], result.panoptic)
        assert torch.equal(frame.pred_depth_map.data[0], result.depth)
    (image,) = model(video[:, 0], [BaseDataElement()], mode='predict')
    assert image.pred_panoptic_seg.sem_seg.shape == (1, 32, 64)
    (plain,) = model(video, mode='predict')
    assert len(plain.video_data_samples) == 3
