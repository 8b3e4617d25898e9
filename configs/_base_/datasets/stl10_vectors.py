# STL-10 as gradients and colours, 1,428 values a picture, from stl10_binary in data/stl10_binary:
#   mmvisx dataset stl10-to-vectors data/stl10_binary --out data/stl10_hog
# The 13,000 labelled pictures are clustered; the autoencoder learns from the 100,000 others, too.
_folder = 'data/stl10_hog/'
labelled_pictures = dict(data=_folder + 'vectors.npy', labels=_folder + 'labels.txt')
all_pictures = dict(data=[_folder + 'vectors.npy', _folder + 'unlabelled.npy'])
