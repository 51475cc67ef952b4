"""What the figures and the page share, without loading a library that draws: colours, names of maps, short names."""

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""The eight colours of Okabe and Ito, told apart under all common colour vision deficiencies."""
METHOD_NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
"""Names of the maps of the latents, by method in lower case."""
GAP = "\N{HORIZONTAL ELLIPSIS}"
"""Stands for what was left out of a name."""


def without_middle(line: str, width: int, *, tail: float = 1 / 3) -> str:
    """Return a line of at most `width` characters, its middle left out.

    `tail` is the share of what is left that stands behind the gap.
    """
    if len(line) <= width:
        return line
    behind = int((width - 1) * tail)
    return f"{line[: width - 1 - behind]}{GAP}{line[len(line) - behind :]}"
