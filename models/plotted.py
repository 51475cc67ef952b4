"""What the interactive plots of the page are made from; `models.interactive` draws them."""

from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

TOP, OTHERS = 500, 1000
"""Genes of a target in its plots: the best ones, and at most so many of the rest."""


@dataclass(frozen=True, slots=True)
class InteractivePlot:
    """A plot of the page.

    Attributes
    ----------
    name : str
        Id of its place on the page.
    title, words : str
        Heading, and what it shows; together its text alternative.
    item : Markup
        What Bokeh needs to draw it, as JSON without any `<`.
    """

    name: str
    title: str
    words: str
    item: Markup


def plotted_genes(block: pd.DataFrame) -> pd.DataFrame:
    """Choose the genes of one target that its plots show.

    Parameters
    ----------
    block : DataFrame
        All rows of one target, contract `ranking`.

    Returns
    -------
    DataFrame
        The `TOP` best and `OTHERS` of the rest, spread evenly over the ranks.
    """
    ordered = block.sort_values("rank", kind="stable")
    rest = ordered.iloc[TOP:]
    step = max(1, -(-len(rest) // OTHERS))
    return pd.concat([ordered.head(TOP), rest.iloc[::step]])
