"""Times and memory that can be foretold."""

import time

import pytest
import torch

from mmvisx.utils.measure import paired_memory, paired_seconds, peak_memory, summary


def test_summary_takes_ratios_within_a_turn():
    # The machine slows down tenfold in between; the ratio does not care.
    found = summary([(1.0, 2.0), (10.0, 20.0), (3.0, 4.0)])
    assert found == dict(ours=3.0, reference=4.0, ours_to_reference=0.5)


def test_turns():
    calls = []
    result = paired_seconds(
        lambda: calls.append('ours'), lambda: calls.append('reference') or time.sleep(0.05), 2
    )
    assert calls == ['ours', 'reference', 'reference', 'ours', 'ours', 'reference']
    assert result['reference'] >= 0.05
    assert result['ours_to_reference'] < 0.5


def test_peak_memory_counts_what_is_freed_again():
    def use(mebibytes):
        torch.ones(mebibytes * 2**18)

    assert peak_memory(lambda: use(128)) == pytest.approx(128, abs=16)
    assert paired_memory(lambda: use(64), lambda: use(256))['ours_to_reference'] < 0.5
