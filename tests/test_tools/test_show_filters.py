"""tools/analysis/show_filters.py."""

import cv2
import torch

from mmvisx.analysis.filters import draw_filters, sees_bgr
from mmvisx.apis.build import build_model
from mmvisx.apis.run import prepare_config


def test_tool_and_order_of_colours(tool, repo, tmp_path, capsys):
    path = repo / 'tests' / 'data' / 'tiny_classifier.py'
    cfg = prepare_config(path)
    model = build_model(cfg)
    assert sees_bgr(model)
    cfg.data_preprocessor.to_rgb = True
    assert not sees_bgr(build_model(cfg))
    torch.save(model.state_dict(), tmp_path / 'a.pth')
    out = tmp_path / 'filters.png'
    tool('tools/analysis/show_filters.py', path, tmp_path / 'a.pth', '--out', out)
    assert 'backbone.conv1, 4 x 3 x 3 x 3' in capsys.readouterr().out
    drawn = cv2.imread(str(out))[..., ::-1]
    assert (drawn == draw_filters(model.backbone.conv1.weight.detach(), bgr=True)).all()
