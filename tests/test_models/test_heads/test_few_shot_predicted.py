"""A head that learns classes: nothing else moves."""

import pytest
import torch

from mmvisx.models.heads import PredictedHead
from mmvisx.utils import UserError


def build(few='max', depth=2, large=3):
    torch.manual_seed(0)
    predictor = dict(type='mmvisx.ParameterPredictor', channels=4, depth=depth)
    head = PredictedHead(predictor, large, few).double()
    for p in head.predictor.parameters():
        torch.nn.init.normal_(p)
    head.set_large(torch.rand(large, 4))
    return head


def classes():
    torch.manual_seed(1)
    return dict(cup=torch.rand(3, 4), hat=torch.rand(1, 4), key=torch.rand(2, 4))


def full(few='max'):
    head = build(few)
    for name, samples in classes().items():
        head.add_category(name, samples)
    return head


IMAGES = torch.rand(7, 4, generator=torch.Generator().manual_seed(2)).double()


def test_logits_against_a_loop():
    head = full()
    found = head.classify(IMAGES)
    for n, image in enumerate(IMAGES):
        for k, mean in enumerate(head.large_mean):
            assert abs(found[n, k] - head.predictor(mean) @ image) < 1e-12
        for k, samples in enumerate(classes().values()):
            expected = max(head.predictor(s.double()) @ image for s in samples)
            assert abs(found[n, 3 + k] - expected) < 1e-12


def test_the_mean_of_samples():
    found = full('mean').classify(IMAGES)
    head = full('mean')
    for k, samples in enumerate(classes().values()):
        expected = IMAGES @ head.predictor(samples.double().mean(dim=0))
        torch.testing.assert_close(found[:, 3 + k], expected)


@pytest.mark.parametrize('few', ['max', 'mean'])
def test_a_new_class_moves_no_other(few):
    head = full(few)
    before, weights = head.classify(IMAGES), head.few_weight.clone()
    head.add_category('mug', torch.rand(2, 4))
    after = head.classify(IMAGES)
    torch.testing.assert_close(after[:, :6], before, atol=1e-6, rtol=0)
    assert torch.equal(head.few_weight[: len(weights)], weights)
    assert after.shape == (7, 7)


@pytest.mark.parametrize('few', ['max', 'mean'])
def test_adding_and_removing_restores_the_state(few):
    head = full(few)
    before = {k: v.clone() for k, v in head.state_dict().items()}
    head.add_category('mug', torch.rand(2, 4))
    head.remove_category('mug')
    after = head.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(v, after[k]) for k, v in before.items())


def test_removing_one_in_the_middle():
    head = full()
    expected = head.classify(IMAGES)[:, [0, 1, 2, 3, 5]]
    head.remove_category('hat')
    assert head.names == ['cup', 'key']
    torch.testing.assert_close(head.classify(IMAGES), expected, atol=1e-12, rtol=0)


def test_order_does_not_matter():
    head, other = full(), build()
    for name, samples in reversed(classes().items()):
        other.add_category(name, samples)
    order = [0, 1, 2] + [3 + other.names.index(name) for name in head.names]
    torch.testing.assert_close(head.classify(IMAGES), other.classify(IMAGES)[:, order])


def test_samples_that_come_later():
    head, samples = build(), classes()['cup']
    head.add_category('cup', samples[:1], [dict(file='a')])
    head.add_category('key', classes()['key'])
    head.add_samples('cup', samples[1:], [dict(file='b'), dict(file='c')])
    whole = build()
    whole.add_category('cup', samples)
    whole.add_category('key', classes()['key'])
    torch.testing.assert_close(head.classify(IMAGES), whole.classify(IMAGES))
    assert [s['file'] for s in head.entries[0]['samples']] == ['a', 'b', 'c']


def test_another_name():
    head = full()
    before = head.classify(IMAGES)
    head.rename_category('hat', 'cap')
    assert head.names == ['cup', 'cap', 'key']
    assert torch.equal(head.classify(IMAGES), before)


def test_offset_goes_to_the_few():
    head = full()
    before = head.classify(IMAGES)
    head.offset.fill_(0.5)
    moved = head.classify(IMAGES) - before
    for n, image in enumerate(IMAGES):
        length = sum(float(a) ** 2 for a in image) ** 0.5
        assert moved[n].tolist() == pytest.approx([0, 0, 0] + [0.5 * length] * 3)


def test_large_weights_by_another_expectation():
    head = build()
    means, weights = torch.rand(2, 3, 4).double()
    head.set_large(means, weights)
    torch.testing.assert_close(head.classify(IMAGES), IMAGES @ weights.T)


FAULTS = {
    'no sample': ('mug', torch.zeros(0, 4), None, 'has no sample'),
    'another width': ('mug', torch.rand(2, 5), None, r'\(2, 5\): this head takes \(n, 4\)'),
    'NaN': ('mug', torch.tensor([[1.0, 2, 3, 4], [1, 2, float('nan'), 4]]), None, 'row 1 is NaN'),
    'name taken': ('cup', torch.rand(2, 4), None, "a class 'cup' already"),
    'sources': ('mug', torch.rand(2, 4), [{}], '1 sources for 2 samples'),
}


@pytest.mark.parametrize('case', FAULTS)
def test_nothing_is_half_added(case):
    name, activations, sources, message = FAULTS[case]
    head = full()
    before = {k: v.clone() for k, v in head.state_dict().items()}
    with pytest.raises(UserError, match=message):
        head.add_category(name, activations, sources)
    assert all(torch.equal(v, before[k]) for k, v in head.state_dict().items())


def test_unknown_names():
    head = full()
    with pytest.raises(UserError, match=r"'cop' \(did you mean cup\?\)"):
        head.add_samples('cop', torch.rand(1, 4))
    with pytest.raises(UserError, match='no added class'):
        head.remove_category('mug')
    with pytest.raises(UserError, match="a class 'cup' already"):
        head.rename_category('hat', 'cup')
    with pytest.raises(UserError, match="few='best'"):
        build('best')
