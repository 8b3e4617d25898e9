"""Neural Rejuvenation: find a network's dead neurons and grow new ones where they are needed.

::

    graph = build_channel_graph(model, images)  # who reads whom: once, before the training
    ...  # train with an L1 penalty on the scales
    if utilization(model, graph).ratio < 0.5:
        graph = rejuvenate(model, graph, cost(graph, 'params'), optimizers=[optimizer]).graph

In a training :class:`mmvisx.NeuralRejuvenationHook` does this. Network slimming, which 001 compares
with, is here as well (:func:`slim`). Source: 001, chapter 5.

Letters:

=============  ====================================================================================
``c``          cost of a network's convolutions: weights, or multiply-adds (5.3.1.2)
``U``          cost of its living neurons alone
``r``          utilization ratio, ``U / c``
``w'``         neurons of a group that survive
``w''``        width of a group after a rejuvenation
``alpha``      expansion rate of all groups, ``w'' = alpha w'`` (5.3.2.1)
``gamma``      scale of a batch normalisation; ``gamma_0``: what its layer started with
``s``          factor by which a survivor's scale and shift are rescaled (BR, 5.3.2.3)
``S``, ``R``   survived and rejuvenated neurons; ``W_SS``, ``W_SR`` ...: weights between them
=============  ====================================================================================

Words, each with this meaning only:

=============  ====================================================================================
neuron         an output channel of a convolution, with its scale
group          the neurons of one convolution, of its batch normalisation and of the depthwise
               convolutions that follow it: the same number in all of them (an optimizer's groups
               are *parameter groups*, a convolution of several groups is *grouped*)
width          number of neurons of a group
reader         a layer that has a group's neurons as inputs
segment        neighbouring inputs of a layer, all from one group or all fixed
features       inputs of a layer; a flattened map makes several of one neuron (*repeat*)
free, fixed    may die; may not, and counts as alive whatever its scale
alive, dead    what a free neuron is, by its scale; *alive* is a mask over the neurons of a group
kept           positions of the living neurons of a group, ascending
generation     neurons that came with the same rejuvenation; 0: those of the start
counts         neurons of each generation of a group, oldest first
survivors      living neurons of each generation of a group, as counts
rescued        a layer that is dead as a whole, whose strongest neuron stays alive
bridged        a group without which the network's output lives on, over a residual stream
mix            how a layer between generations is built: dense, removed (NR-CR), attention (NR-CA)
reads          for each generation of outputs, the generations of inputs that it gets
whole          of a weight or bias: as one tensor, however the layer stores it in parts
place          the map from a whole tensor's old layout to its new one
rebuild        layers that take others' places, prepared one by one and put in at once
=============  ====================================================================================
"""

from .architecture import REJUVENATED, apply_architecture, fold_cross_removed
from .graph import ChannelGraph, ChannelGroup, GraphLayer, Segment
from .rejuvenation import Rejuvenation, compact, rejuvenate, silence
from .slimming import SLIMMED, slim
from .trace import build_channel_graph, default_forward
from .usage import Utilization, cost, least_utilization, utilization

__all__ = [
    'REJUVENATED',
    'SLIMMED',
    'ChannelGraph',
    'ChannelGroup',
    'GraphLayer',
    'Rejuvenation',
    'Segment',
    'Utilization',
    'apply_architecture',
    'build_channel_graph',
    'compact',
    'cost',
    'default_forward',
    'fold_cross_removed',
    'least_utilization',
    'rejuvenate',
    'silence',
    'slim',
    'utilization',
]
