"""Deep Embedded Clustering for arrays and for folders of pictures."""
