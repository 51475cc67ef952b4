"""Figures of the learnt latents."""

from itertools import product

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from models.display import METHOD_NAMES
from models.figures.names import shorten
from models.figures.style import (
    MAX_HEIGHT,
    TWO_COLUMNS,
    class_legend,
    class_styles,
    drawn,
    legend_height,
    message_figure,
    new_figure,
    panels,
    plain_number,
    scatter_classes,
)


@drawn
def latent_maps(embedding: pd.DataFrame, samples: pd.DataFrame, label: str) -> Figure:
    """Draw each map of each latent space, coloured by one label.

    Parameters
    ----------
    embedding : DataFrame
        Table of the contract `embedding`.
    samples : DataFrame
        Table of the contract `samples`, with the column `label`.
    label : str
        Label to colour by; samples without it are grey.

    Returns
    -------
    Figure
        One row a space, one column a method, every panel with all its samples.
    """
    methods, spaces = (list(dict.fromkeys(embedding[column])) for column in ("method", "space"))
    if not methods:
        return message_figure("no map of the latents")
    ids = list(dict.fromkeys(embedding["sample_id"]))
    styles = class_styles(samples.set_index("sample_id")[label].reindex(ids))
    figure = new_figure(TWO_COLUMNS, min(MAX_HEIGHT, max(8 + 52 * len(spaces), legend_height(len(styles)))))
    grid = panels(figure, len(methods) * len(spaces), len(methods))
    for axes, (space, method) in zip(grid, product(spaces, methods), strict=True):
        chosen = embedding[(embedding["method"] == method) & (embedding["space"] == space)]
        points = chosen.set_index("sample_id")[["x", "y"]].reindex(ids).to_numpy(dtype=np.float64)
        scatter_classes(axes, points, styles, area=14)
        name = METHOD_NAMES.get(method.lower(), shorten(method, 12))
        axes.set(xlabel=f"{name} 1", ylabel=f"{name} 2", title=f"{shorten(space)}: {name}")
        axes.margins(0.08)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(4))
            axis.set_major_formatter(FuncFormatter(plain_number))
        if method.lower() != "pca":  # the units of the others mean nothing
            axes.set(xticks=[], yticks=[])
    class_legend(figure, styles, label)
    return figure
