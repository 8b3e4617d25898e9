# The stacked autoencoder that DEC on STL-HOG starts from (000, 3.3.2, 3.4.3).
#   python tools/train.py configs/embedded_clustering/autoencoder_stl10.py
# Hardware: one GPU. Expected: no number in the document; AE + k-means clusters 33.92 % of
# STL-HOG rightly (Table 3.3). Obtained: not run.
_base_ = ['../_base_/embedded_clustering_autoencoder.py', '../_base_/datasets/stl10_vectors.py']

model = dict(channels=(1428, 500, 500, 2000, 10))
train_dataloader = dict(dataset=_base_.all_pictures)
