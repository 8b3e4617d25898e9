# MNIST's four files as they are distributed (idx, gzip or not) in data/mnist: pixels from 0 to 255
# times 0.02, as in the settings published with 000, chapter 3. The autoencoder learns from the
# 60,000 training digits; all 70,000 are clustered.
_folder = 'data/mnist/'
train_digits = dict(
    data=_folder + 'train-images-idx3-ubyte.gz',
    labels=_folder + 'train-labels-idx1-ubyte.gz',
    scale=0.02,
)
all_digits = dict(
    data=[_folder + f'{part}-images-idx3-ubyte.gz' for part in ('train', 't10k')],
    labels=[_folder + f'{part}-labels-idx1-ubyte.gz' for part in ('train', 't10k')],
    scale=0.02,
)
