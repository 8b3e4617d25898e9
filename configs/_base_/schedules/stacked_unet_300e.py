# Raw models of the second series (002, Table 6.2): as the first, at 2e-3.
_base_ = './fcn_skip_300e.py'

optim_wrapper = dict(optimizer=dict(lr=2e-3))
