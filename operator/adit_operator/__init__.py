"""Manifests in, Jobs out: gather, decide, apply."""
