# RCV1 of Reuters, for research on request and not at hand: of its stories those 685,071 with one of
# the four root topics (CCAT, GCAT, MCAT, ECAT), a JSON object a line in data/rcv1.jsonl.gz, as
# tf-idf of the 2,000 most frequent stems:
#   mmvisx dataset texts-to-vectors data/rcv1.jsonl.gz --label topic --out data/rcv1
# REUTERS-10k is a sample of 10,000 of them; which ones, the document does not say.
all_stories = dict(data='data/rcv1/vectors.npz', labels='data/rcv1/labels.txt')
ten_thousand = dict(
    type='mmvisx.VectorSplit', part='held_out', share=10000 / 685071, seed=0, **all_stories
)
