"""Folders on disk with a manifest that proves them: bundles, folders of adapters, model cards."""
