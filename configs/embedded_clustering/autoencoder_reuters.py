# The stacked autoencoder that DEC on REUTERS starts from (000, 3.3.2, 3.4.3).
#   python tools/train.py configs/embedded_clustering/autoencoder_reuters.py
# Hardware: one GPU. Expected: no number in the document; AE + k-means clusters 71.97 % of
# REUTERS rightly (Table 3.3). Obtained: not run.
_base_ = ['../_base_/embedded_clustering_autoencoder.py', '../_base_/datasets/reuters_vectors.py']

model = dict(channels=(2000, 500, 500, 2000, 10))
train_dataloader = dict(dataset=_base_.all_stories)
