"""Scores of clusters, with classes to compare them with and without."""

from .embedded_clustering_metric import ClusterMetric
from .embedded_clustering_scores import (
    cluster_scores,
    clustering_accuracy,
    contingency,
    generalizability,
    match_clusters,
    normalized_mutual_information,
)

__all__ = [
    'ClusterMetric',
    'cluster_scores',
    'clustering_accuracy',
    'contingency',
    'generalizability',
    'match_clusters',
    'normalized_mutual_information',
]
