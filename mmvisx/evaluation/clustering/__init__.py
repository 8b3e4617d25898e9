"""Scores of clusters, with classes to compare them with and without."""

from .embedded_clustering_counts import agreement, choose_count, count_scores
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
    'agreement',
    'choose_count',
    'cluster_scores',
    'clustering_accuracy',
    'contingency',
    'count_scores',
    'generalizability',
    'match_clusters',
    'normalized_mutual_information',
]
