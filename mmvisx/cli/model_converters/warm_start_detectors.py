"""Write weights with which HTC goes on as DetectoRS: with RFP, SAC or both, that start as nothing.

python tools/model_converters/warm_start_detectors.py HTC.pth CONFIG OUT.pth

CONFIG is the recipe to go on with; its training starts by load_from=OUT.pth. The checkpoint's
recipe must have standardised weights (conv_cfg=dict(type='mmvisx.ConvAWS2d')), as CONFIG has.
"""

import argparse
from pathlib import Path

from mmvisx.cli.options import add_config_argument, add_trust_option


def main(args: list[str] | None = None) -> int:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint', help='weights of the detector without RFP and SAC')
    add_trust_option(parser)
    add_config_argument(parser, help='recipe with RFP, SAC or both')
    parser.add_argument('out', type=Path, help='checkpoint to write')
    parser.add_argument('--seed', type=int, default=0, help='of the new weights')
    options = parser.parse_args(args)
    import torch
    from mmengine.logging import MMLogger

    from mmvisx.apis.build import build_model
    from mmvisx.apis.run import prepare_config
    from mmvisx.surgery import warm_start_detectors
    from mmvisx.utils.checkpoint import read_checkpoint
    from mmvisx.utils.checkpoint_file import write_checkpoint

    state = read_checkpoint(options.checkpoint)
    state = state.get('state_dict', state)
    MMLogger.get_instance('warm_start', log_level='WARNING')  # initialisation lists every weight
    torch.manual_seed(options.seed)
    model = build_model(prepare_config(options.config))
    model.init_weights()  # type: ignore[operator]
    warm_start_detectors(model, state)
    write_checkpoint({'state_dict': model.state_dict()}, options.out)
    count = sum(p.numel() for p in model.parameters())
    print(f'{options.out}: {count:,} parameters, {count - _parameters(state):,} of them new')
    return 0


def _parameters(state: dict) -> int:
    buffers = ('weight_gamma', 'weight_beta', 'running_mean', 'running_var', 'num_batches_tracked')
    return sum(value.numel() for name, value in state.items() if not name.endswith(buffers))
