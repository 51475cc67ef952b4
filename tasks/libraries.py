"""The libraries that stages compute with, imported ahead of their use."""

from importlib import import_module

COMPUTING = ("tasks.drawings", "models.graph", "models.autoencoder", "models.embedding")


def import_what_computes() -> None:
    """Import what stages import when they compute, so that the seconds it takes can be spent beside a wait."""
    for module in COMPUTING:
        import_module(module)
