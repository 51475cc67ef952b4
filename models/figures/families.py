"""Figure of a gene family: where its members lie in the proteins of the best genes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from models.display import PALETTE
from models.figures.names import short_names, shorten
from models.figures.style import (
    DARK,
    GREY,
    MAX_HEIGHT,
    SMALL,
    TWO_COLUMNS,
    FloatArray,
    beside_axes,
    drawn,
    message_figure,
    new_figure,
)

_COLOURED = 6  # members at most that have a colour each
_BOX, _LANE, _PALE = 0.5, 0.2, 0.25  # heights of a counted box and of a lane, in rows of a gene; opacity of the rest
_LANES = _COLOURED - 1
_NARROWEST = 0.003  # of the longest protein: a box narrower than this would not be seen
_ROW = 5.4  # mm: two lines of 6 pt text
_NAME, _MEMBER = 30, 26  # letters at most
_BITS, _GRADE = 24, 48  # points to the right of the axes at which the columns end


@drawn
def family_domains(hits: pd.DataFrame, domains: pd.DataFrame, *, count: int = 15) -> Figure:
    """Draw the proteins of a family's best genes to scale, and on them what the family's members align with.

    Parameters
    ----------
    hits : DataFrame
        Table of the contract `homology_hits` of one family.
    domains : DataFrame
        Table of the contract `homology_domains` of the same family. Rows without positions are not drawn.
    count : int
        Genes to draw, best first.

    Returns
    -------
    Figure
        A row a gene: its sequence as a line from residue 1 to its end, dashed where only the end of the last alignment
        is known. Boxes on the line count in the grade; pale ones below it do not. Six members at most have a colour
        each. With more of them one colour stands for all, and of what does not count only the gene's best member is
        drawn. Beside each row its bit score and grade.
    """
    best = hits.sort_values("grade", ascending=False, kind="stable").head(count).reset_index(drop=True)
    own = _of_sequences(best, domains)
    colours = _colours(own)
    boxes = _boxes(own if colours else own[own["counted"] | (own["member"] == own["best_member"])])
    if boxes.empty:
        return message_figure("no hit of the best genes has a position")
    tall = 1 + _LANE * (boxes.groupby("row")["lane"].max().reindex(best.index, fill_value=-1).to_numpy() + 1)
    height = float(tall.sum())
    middles = np.cumsum(tall) - tall + 0.5
    figure = new_figure(TWO_COLUMNS, min(MAX_HEIGHT, 34 + _ROW * max(3.0, height)))
    axes = figure.add_subplot()
    _draw_lines(axes, own, middles)
    _draw_boxes(axes, boxes, middles, colours)
    axes.set(xlabel="Position in the protein (residues)", ylim=(height, -0.2))
    axes.set_xlim(left=0)
    axes.set_yticks(middles, _names(best))
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_title(f"{shorten(best['family'].iloc[0], 40)}: {_counted(len(best), len(hits))}")
    columns = {
        _BITS: ["bits", *(f"{bits:,.0f}" for bits in best["bit_score"])],
        _GRADE: ["grade", *(f"{grade:.2f}" for grade in best["grade"])],
    }
    for shift, texts in columns.items():
        beside_axes(axes, [-0.1, *middles], texts, shift=shift, align="right")
    _legend(figure, boxes, colours)
    return figure


def _of_sequences(best: pd.DataFrame, domains: pd.DataFrame) -> pd.DataFrame:
    """Return the domains of the best genes' sequences, with the gene's place and best member."""
    places = best[["gene_id", "sequence_id", "best_member"]].assign(row=best.index)
    return domains.merge(places, on=["gene_id", "sequence_id"])


def _boxes(own: pd.DataFrame) -> pd.DataFrame:
    """Return what is drawn, the strongest last, and its lane: -1 on the protein, 0 and up below it."""
    known = own.dropna(subset=["start", "end"]).sort_values(["row", "start", "end"], kind="stable")
    lanes = np.full(len(known), -1)
    for row in known["row"].unique():
        rest = ((known["row"] == row) & ~known["counted"]).to_numpy()
        lanes[rest] = _lanes(known.loc[rest, "start"].tolist(), known.loc[rest, "end"].tolist())
    return known.assign(lane=lanes).sort_values("bit_score", kind="stable", na_position="first")


def _lanes(starts: Sequence[float], ends: Sequence[float]) -> list[int]:
    """Return the first lane in which each stretch, ordered by starts, is free of others, or else the last lane."""
    filled = [0.0] * _LANES
    lanes = []
    for start, end in zip(starts, ends, strict=True):
        lane = next((place for place in range(_LANES) if filled[place] < start), _LANES - 1)
        filled[lane] = max(filled[lane], end)
        lanes.append(lane)
    return lanes


def _draw_lines(axes: Axes, own: pd.DataFrame, middles: FloatArray) -> None:
    """Draw each protein from its first residue to its end, dashed where that is the end of the last alignment."""
    spans = own.groupby("row")[["length", "end"]].max().reindex(range(len(middles)))
    for middle, length, end in zip(middles, spans["length"], spans["end"], strict=True):
        if np.isnan(length) and np.isnan(end):
            axes.text(0, middle, " no position given", va="center", fontsize=SMALL, color=GREY)
        else:
            last, style = (end, (0, (2, 1.5))) if np.isnan(length) else (length, "-")
            axes.hlines(middle, 0, last, color=GREY, linewidth=1.0, linestyle=style, zorder=1)


def _colours(own: pd.DataFrame) -> dict[str, str]:
    """Return the colour of each member in their order along the protein, what counts first; none for too many."""
    members = own.groupby("member").agg(counted=("counted", "max"), start=("start", "median"))
    ordered = members.sort_values(["counted", "start"], ascending=[False, True], kind="stable").index
    return dict(zip(ordered, PALETTE, strict=False)) if len(ordered) <= _COLOURED else {}


def _draw_boxes(axes: Axes, boxes: pd.DataFrame, middles: FloatArray, colours: dict[str, str]) -> None:
    counted = boxes["counted"].to_numpy(dtype=bool)
    lane = boxes["lane"].to_numpy(dtype=np.float64)
    below = _BOX / 2 + _LANE * (lane + 0.5) + 0.06
    shades = [colours.get(member, PALETTE[0]) for member in boxes["member"]]
    widths = (boxes["end"] - boxes["start"] + 1).to_numpy(dtype=np.float64)
    least = _NARROWEST * boxes[["length", "end"]].max().max()
    solid_edges = ["white" if width > 4 * least else shade for width, shade in zip(widths, shades, strict=True)]
    axes.barh(
        middles[boxes["row"]] + np.where(counted, 0.0, below),
        np.maximum(widths, least),
        left=boxes["start"] - 1,
        height=np.where(counted, _BOX, _LANE * 0.75),
        color=[to_rgba(shade, 1.0 if solid else _PALE) for shade, solid in zip(shades, counted, strict=True)],
        edgecolor=[edge if solid else shade for edge, shade, solid in zip(solid_edges, shades, counted, strict=True)],
        linewidth=0.4,
        zorder=2,
    )


def _names(best: pd.DataFrame) -> list[str]:
    """Return the names of the genes: the sequence alone where that begins with the gene, both where they differ."""
    genes, sequences = best["gene_id"].tolist(), best["sequence_id"].tolist()
    first = [seq if seq.startswith(gene) else gene for gene, seq in zip(genes, sequences, strict=True)]
    second = [
        "" if seq.startswith(gene) else f"\n{shorten(seq, _NAME)}" for gene, seq in zip(genes, sequences, strict=True)
    ]
    return [name + further for name, further in zip(short_names(first, _NAME), second, strict=True)]


def _legend(figure: Figure, boxes: pd.DataFrame, colours: dict[str, str]) -> None:
    """Name the members that have colours, and what does not count where there is any."""
    names = short_names(list(colours), _MEMBER) if colours else []
    entries = [(Patch(color=colour), name) for name, colour in zip(names, colours.values(), strict=True)]
    if not boxes["counted"].all():
        shade = DARK if colours else PALETTE[0]
        pale = Patch(facecolor=to_rgba(shade, _PALE), edgecolor=shade, linewidth=0.4)
        entries += [] if colours else [(Patch(color=shade), "counts")]
        entries.append((pale, "does not count"))
    if entries:
        handles, labels = zip(*entries, strict=True)
        figure.legend(handles, labels, loc="outside lower center", ncols=4)


def _counted(shown: int, total: int) -> str:
    if shown == total:
        return f"{total:,} genes with a hit, best first" if total > 1 else "one gene with a hit"
    return f"the {shown} best of {total:,} genes with a hit"
