"""Responses, impacts and overlaps against slow loops."""

import torch

from mmvisx.ops.few_shot import (
    certainty,
    channel_impact,
    maximal_response,
    rows_of_classes,
    top_overlap,
    unit_length,
)


def test_maximal_response_against_a_loop():
    torch.manual_seed(0)
    labels = torch.tensor([2, 0, 0, 1, 2, 2])
    responses = torch.randn(5, 6)
    found = maximal_response(responses, rows_of_classes(labels, 3))
    for n in range(5):
        for k in range(3):
            assert found[n, k] == max(responses[n, s] for s in range(6) if labels[s] == k)


def test_gradient_goes_to_the_sample_that_answered():
    responses = torch.tensor([[1.0, 3.0, 2.0]], requires_grad=True)
    maximal_response(responses, rows_of_classes(torch.tensor([0, 0, 1]), 2)).sum().backward()
    assert responses.grad.tolist() == [[0, 1, 1]]


def test_unit_length_keeps_zero():
    found = unit_length(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    assert found.tolist() == [[torch.tensor(3 / 5).item(), torch.tensor(4 / 5).item()], [0, 0]]


def test_certainty_is_a_cosine():
    scores = torch.tensor([[3.0, 4.0], [0.5, 0.1], [0.0, 0.0]])
    found = certainty(scores, torch.tensor([[3.0, 4.0], [0.5, 0.0], [0.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([0.8, 1.0, 0.0]))


def test_impact_and_overlap_by_hand():
    # Columns sum to 3, 4 and 12: of length 13
    impact = channel_impact(torch.tensor([[1.0, -4.0, 6.0], [-2.0, 0.0, -6.0]]))
    torch.testing.assert_close(impact, torch.tensor([3.0, 4.0, 12.0]) / 13)
    other = torch.tensor([0.1, 0.9, 0.3])  # 1, 2, 0; the other one 2, 1, 0
    assert [top_overlap(impact, other, k) for k in (1, 2, 3)] == [0, 1, 1]
