"""Recommender models trained on a parameter server, where feature ids never collide."""

__version__ = "0.1.0"
