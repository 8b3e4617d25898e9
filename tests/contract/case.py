"""What a contract case says of a class."""

from dataclasses import dataclass
from typing import Any

IMAGE = (2, 3, 64, 96)
# Outputs of a backbone of 4 stages with 8 base channels and bottlenecks
MAPS = [(2, 32, 16, 24), (2, 64, 8, 12), (2, 128, 4, 6), (2, 256, 2, 3)]


@dataclass(frozen=True)
class ModelCase:
    """A small instance of a layer, backbone, neck, head or whole model.

    Attributes:
        config: Constructor arguments.
        inputs: Shapes of the inputs; a list is one argument of several tensors.
        parameters: Exact number of parameters, counted by hand or from the reference.
        outputs: Shapes of the outputs.
    """

    config: dict[str, Any]
    inputs: list[Any]
    outputs: list[tuple[int, ...]]
    parameters: int
