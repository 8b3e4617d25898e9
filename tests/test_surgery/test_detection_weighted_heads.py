"""The weighted terms of a family's head, one by one from the equations."""

import pytest
import torch
import torch.nn.functional as F

from mmvisx.surgery import weight_box_losses
from tests.helpers.detection_families import BOXES, as_list, batch, build, losses

WEIGHTS = [[0.3, 0.7, 0.0, 1.0], [0.6, 0.2]]


@pytest.mark.parametrize('name', ['YOLOv3', 'FCOS', 'FCOS-norm', 'RetinaNet', 'ATSS', 'SSD'])
def test_box_terms_carry_the_weight_of_their_box(name):
    """The box terms' derivative by a ground-truth box is its weight times the plain one."""
    detector = build(name)

    def derivative(weights):
        images, samples = batch(weights)
        boxes = [sample.gt_instances.bboxes.requires_grad_() for sample in samples]
        terms = detector.loss(images, samples)
        box_terms = [v for k, v in terms.items() if k in ('loss_bbox', 'loss_xy', 'loss_wh')]
        total = sum(sum(as_list(term)) for term in box_terms)
        return torch.autograd.grad(total.sum(), boxes)

    plain = derivative(None)
    weight_box_losses(detector)
    for first, got, weights in zip(plain, derivative(WEIGHTS), WEIGHTS, strict=True):
        assert (first.abs().amax(1) > 0).all()
        factor = torch.tensor(weights)[:, None]
        if name.startswith('FCOS') or name == 'ATSS':
            # Centre-ness depends on the box, too, but not on the weights.
            torch.testing.assert_close(got == 0, (factor * first) == 0)
        torch.testing.assert_close(got, factor * first, rtol=1e-4, atol=1e-6)


def test_yolo_terms_by_hand():
    """Objectness of a responsible anchor is weighted, that of a negative one is not."""
    detector = weight_box_losses(build('YOLOv3'))
    images, samples = batch(WEIGHTS)
    expected = dict.fromkeys(('loss_cls', 'loss_conf', 'loss_xy', 'loss_wh'), 0.0)
    head = detector.bbox_head
    maps = head(detector.extract_feat(images))[0]
    anchors = head.prior_generator.grid_priors([m.shape[-2:] for m in maps], device='cpu')
    flat = torch.cat([m.permute(0, 2, 3, 1).reshape(len(images), -1, 8) for m in maps], 1)
    strides = torch.cat([torch.full((len(a),), s) for a, s in zip(anchors, (32, 16, 8))])  # noqa: B905
    priors = torch.cat(anchors)
    centres = (priors[:, :2] + priors[:, 2:]) / 2
    for image, boxes in enumerate(BOXES):
        ious = torch.zeros(len(priors), len(boxes))
        for box, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
            for prior, (a1, b1, a2, b2) in enumerate(priors.tolist()):
                inner = max(0, min(x2, a2) - max(x1, a1)) * max(0, min(y2, b2) - max(y1, b1))
                union = (x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - inner
                ious[prior, box] = inner / union
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        # Of the anchors whose cell holds a box's centre, those that overlap a box by more than
        # half and each box's best are responsible.
        cell = (centres / strides[:, None]).floor()
        held = torch.zeros(len(priors), dtype=torch.bool)
        for box in range(len(boxes)):
            held |= (cell == (middle[box] / strides[:, None]).floor()).all(1)
        owner = torch.where(held & (ious.amax(1) > 0.5), ious.argmax(1), -1)
        for box in range(len(boxes)):
            owner[(ious[:, box] * held).argmax()] = box
        for prior in range(len(priors)):
            pred = flat[image, prior]
            box = int(owner[prior])
            if box < 0:
                if float(ious[prior].max()) <= 0.5:
                    expected['loss_conf'] += F.softplus(pred[4])
                continue
            weight = WEIGHTS[image][box]
            label = F.one_hot(samples[image].gt_instances.labels[box], 3).float()
            expected['loss_conf'] += weight * F.softplus(-pred[4])
            expected['loss_cls'] += weight * F.binary_cross_entropy_with_logits(
                pred[5:], label, reduction='sum'
            )
            shift = (middle[box] - centres[prior]) / strides[prior] + 0.5
            expected['loss_xy'] += (
                2
                * weight
                * F.binary_cross_entropy_with_logits(pred[:2], shift.clamp(0, 1), reduction='sum')
            )
            size = boxes[box, 2:] - boxes[box, :2]
            target = (size / (priors[prior, 2:] - priors[prior, :2])).log()
            expected['loss_wh'] += 2 * weight * ((pred[2:4] - target) ** 2).sum()
    got = losses(detector, WEIGHTS)
    for name, value in expected.items():
        torch.testing.assert_close(got[name], value, rtol=1e-4, atol=1e-4)


def test_fcos_terms_by_hand():
    """Points in a slow loop; the divisors count points, whatever their weight."""
    detector = weight_box_losses(build('FCOS'))
    images, samples = batch(WEIGHTS)
    head = detector.bbox_head
    scores, distances, centres = head(detector.extract_feat(images))
    points = head.prior_generator.grid_priors([s.shape[-2:] for s in scores], device='cpu')
    focal = box_loss = centre_loss = 0.0
    count = centre_sum = 0.0
    for level, (low, high) in enumerate(head.regress_ranges):
        for image, boxes in enumerate(BOXES):
            score = scores[level][image].flatten(1).T
            distance = distances[level][image].flatten(1).T
            centre = centres[level][image].flatten()
            for index, (x, y) in enumerate(points[level].tolist()):
                inside = [
                    ((x2 - x1) * (y2 - y1), box, (x - x1, y - y1, x2 - x, y2 - y))
                    for box, (x1, y1, x2, y2) in enumerate(boxes.tolist())
                    if min(x - x1, y - y1, x2 - x, y2 - y) > 0
                    and low <= max(x - x1, y - y1, x2 - x, y2 - y) <= high
                ]
                probability = score[index].sigmoid()
                negative = -0.75 * probability**2 * (1 - probability).log()
                if not inside:
                    focal += negative.sum()
                    continue
                _, box, sides = min(inside)
                weight = WEIGHTS[image][box]
                label = int(samples[image].gt_instances.labels[box])
                p = probability[label]
                positive = -0.25 * (1 - p) ** 2 * p.log()
                focal += weight * (negative.sum() - negative[label] + positive)
                left, top, right, bottom = sides
                target = (
                    min(left, right) / max(left, right) * min(top, bottom) / max(top, bottom)
                ) ** 0.5
                count += 1
                centre_sum += target
                got = distance[index]
                lengths = torch.minimum(got, torch.tensor(sides))
                inner = (lengths[0] + lengths[2]) * (lengths[1] + lengths[3])
                union = (
                    (got[0] + got[2]) * (got[1] + got[3]) + (left + right) * (top + bottom) - inner
                )
                box_loss += weight * target * -(inner / union).log()
                centre_loss += weight * F.binary_cross_entropy_with_logits(
                    centre[index], torch.tensor(target)
                )
    terms = losses(detector, WEIGHTS)
    torch.testing.assert_close(terms['loss_cls'], focal / count, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(terms['loss_bbox'], box_loss / centre_sum, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(terms['loss_centerness'], centre_loss / count, rtol=1e-4, atol=1e-5)


def test_roi_terms_by_hand():
    """Two images, two boxes; every proposal's terms from its own row."""
    detector = weight_box_losses(build('Mask R-CNN'))
    results = []
    sampler = detector.roi_head.bbox_sampler
    plain = sampler.sample
    sampler.sample = lambda *a, **k: results.append(plain(*a, **k)) or results[-1]
    bbox_head, mask_head = detector.roi_head.bbox_head, detector.roi_head.mask_head
    outputs = {}
    bbox_head.register_forward_hook(lambda m, i, out: outputs.update(bbox=out))
    mask_head.register_forward_hook(lambda m, i, out: outputs.update(mask=out))
    terms = losses(detector, WEIGHTS)
    scores, deltas = outputs['bbox']
    row = mask_row = 0
    cls_loss = box_loss = mask_loss = 0.0
    _, samples = batch()
    for image, result in enumerate(results):
        inds = result.pos_assigned_gt_inds
        labels = samples[image].gt_instances.labels[inds]
        targets = bbox_head.bbox_coder.encode(result.pos_priors, BOXES[image][inds])
        masks = samples[image].gt_instances.masks.crop_and_resize(
            result.pos_priors.numpy(), (28, 28), device='cpu', inds=inds.numpy()
        )
        for number, box in enumerate(inds.tolist()):
            weight, label = WEIGHTS[image][box], int(labels[number])
            cls_loss += weight * F.cross_entropy(scores[row], labels[number])
            box_loss += weight * (deltas[row].view(-1, 4)[label] - targets[number]).abs().sum()
            mask = torch.from_numpy(masks.to_ndarray()[number]).float()
            mask_loss += weight * F.binary_cross_entropy_with_logits(
                outputs['mask'][mask_row, label], mask
            )
            row, mask_row = row + 1, mask_row + 1
        for _ in result.neg_inds:
            cls_loss += F.cross_entropy(scores[row], torch.tensor(3))
            row += 1
    torch.testing.assert_close(terms['loss_cls'], cls_loss / row, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(terms['loss_bbox'], box_loss / row, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(terms['loss_mask'][0], mask_loss / mask_row, rtol=1e-4, atol=1e-5)
