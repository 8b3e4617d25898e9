# scikit-learn's 1,797 digits of 8x8 pixels from 0 to 16; the factor makes the mean of |x|^2 / d 1.
# In Python, with the folder data/digits:
#   digits = sklearn.datasets.load_digits()
#   numpy.save('data/digits/vectors.npy', digits.data)
#   numpy.save('data/digits/labels.npy', digits.target)
small_digits = dict(data='data/digits/vectors.npy', labels='data/digits/labels.npy', scale=0.129)
