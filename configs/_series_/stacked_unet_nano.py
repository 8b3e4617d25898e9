# Small Stacked U-Nets and FCNs on ResNet-18 from scratch, on CamVid and on the rendered shapes:
# mean IoU on images that were not trained on. One CPU core.
#   python tools/run_series.py configs/_series_/stacked_unet_nano.py
rows = {
    'SUNet, CamVid': dict(config='configs/stacked_unet/sunet_nano_camvid.py'),
    'FCN, CamVid': dict(config='configs/fcn_skip/fcn_r18_nano_camvid.py'),
    'SUNet, shapes': dict(config='configs/stacked_unet/sunet_nano_shapes.py'),
    'FCN, shapes': dict(config='configs/fcn_skip/fcn_r18_nano_shapes.py'),
}
metrics = {'mIoU': 'mIoU', 'mAcc': 'accuracy of the classes', 'aAcc': 'accuracy of the pixels'}
