"""Where work runs: stages, progress and the cache of features."""
