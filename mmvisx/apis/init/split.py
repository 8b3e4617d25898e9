"""Divide images into a part to train on and one to validate on, without leaks between groups."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from mmvisx.utils.errors import UserError

__all__ = ['group_of', 'groups_of', 'split']

# A name without the number at its end: frame_0012.jpg -> frame.
_NUMBER = re.compile(r'[\W_]*\d+$')


def group_of(name: str, rule: str) -> str:
    """Return the group of an image.

    Args:
        name: Path of the image below the folder of images.
        rule: ``'folder'``, ``'prefix'`` (the file's name without the number at its end) or a
            regular expression, whose first group, or whole match, names the group.

    Raises:
        UserError: The expression is none, or is not found in the name.
    """
    path = Path(name)
    if rule == 'folder':
        return str(path.parent)
    if rule == 'prefix':
        return str(path.parent / _NUMBER.sub('', path.stem))
    try:
        match = re.search(rule, name)
    except re.error as error:
        raise UserError(
            f'--group-by {rule!r} is neither folder nor prefix nor a regular expression ({error})'
        ) from None
    if match is None:
        raise UserError(f'--group-by {rule!r} is not found in {name}: it must match every image')
    return match[1] if match.re.groups else match[0]


def groups_of(names: Sequence[str], rule: str | None) -> list[str]:
    """Return the group of each image; with no rule, an image is its own.

    Raises:
        UserError: All are in one; see also :func:`group_of`.
    """
    if rule is None:
        return list(names)
    groups = [group_of(name, rule) for name in names]
    if len(set(groups)) == 1 and len(names) > 1:
        raise UserError(
            f'--group-by {rule!r} puts all {len(names)} images into one group ({groups[0]!r}), so '
            'none is left to validate on: take a rule that makes two or more'
        )
    return groups


def split(
    names: Sequence[str],
    groups: Sequence[str],
    strata: Sequence[str],
    share: float,
    seed: int,
) -> tuple[list[str], list[str]]:
    """Return the images to train and to validate on, in the order given.

    A group is never divided. Of each stratum about ``share`` is validated on, and at least one
    group is of either part.

    Args:
        names: Of N images.
        groups: The group of each.
        strata: What should be in both parts; a group counts where its first image does.
        share: In (0, 1).
        seed: Of the order in which groups are taken.

    Raises:
        UserError: There is one image only, or one group.
    """
    if len(set(groups)) < 2:
        raise UserError(
            f'{len(names)} image is too few to validate on another one than is trained on: add '
            'images, or validate on the training part with --val-share 0'
        )
    members: dict[str, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        members[group].append(place)
    by_stratum: dict[str, list[str]] = defaultdict(list)
    for group, places in sorted(members.items()):
        by_stratum[strata[places[0]]].append(group)
    rng = random.Random(seed)
    taken: set[int] = set()
    for _, listed in sorted(by_stratum.items()):
        rng.shuffle(listed)
        wanted = share * sum(len(members[group]) for group in listed)
        count = 0
        for group in listed[:-1]:  # the last one stays to train on
            if count >= wanted:
                break
            # Of the two numbers around the share the nearer one, but at least one.
            if count and count + len(members[group]) - wanted > wanted - count:
                break
            taken.update(members[group])
            count += len(members[group])
    if not taken:  # every stratum is one group
        taken.update(members[rng.choice(sorted(members))])
    return (
        [name for place, name in enumerate(names) if place not in taken],
        [name for place, name in enumerate(names) if place in taken],
    )
