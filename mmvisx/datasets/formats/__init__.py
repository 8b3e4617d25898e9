"""Detection data between COCO, VOC, YOLO and LabelMe."""
