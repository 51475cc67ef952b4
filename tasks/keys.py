"""Keys of artifacts and assets in Prefect: the same in each run of a study, so that their history can be followed."""

import re


def artifact_key(*parts: str) -> str:
    """Return the parts as one key of lower-case letters, digits and dashes.

    >>> artifact_key("Leaf_study", "top-genes", "Capsaicinoids")
    'leaf-study-top-genes-capsaicinoids'
    """
    return "-".join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts if part)
