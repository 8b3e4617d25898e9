# FCN on GUNN-18 with FPN, ADE20K, 120 epochs. The backbone's weights come from
# gunn18_90e_imagenet.py.
#   tools/dist_train.sh configs/gunn/fcn_gunn18_fpn_ade20k.py 4
# Hardware: 4 GPUs x 4 images. Not in the document (4.7 names it as future work), and no number of
# it is known. Obtained: not run.
_base_ = [
    '../_base_/models/fcn_gunn18_fpn.py',
    '../_base_/datasets/ade20k.py',
    '../_base_/schedules/bag_of_tricks_ade20k.py',
    '../_base_/segmentation_runtime.py',
]
