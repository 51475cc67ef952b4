"""Hits of a homology search, whoever made it."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

Format = Literal["blast", "tblout", "domtblout", "nhmmer_tblout", "empty"]

NUMBERS = (
    "evalue",
    "bit_score",
    "query_start",
    "query_end",
    "subject_start",
    "subject_end",
    "query_length",
    "subject_length",
    "domain_evalue",
    "domain_score",
)
COLUMNS = ("query", "subject", *NUMBERS)
"""Columns of every table of hits."""


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """The hits of one search table.

    Attributes
    ----------
    frame : DataFrame
        One row a local alignment (BLAST), domain (--domtblout) or pair (--tblout). ``query``, ``subject`` : str,
        ids as written; ``evalue`` and ``bit_score`` : float64, of the alignment for BLAST and of the full sequence for
        HMMER; ``query_start``, ``query_end``, ``subject_start``, ``subject_end`` : float64, 1-based, inclusive, start
        after end on a reverse strand; ``query_length``, ``subject_length`` : float64; ``domain_evalue`` : float64, the
        independent E-value of a HMMER domain, and ``domain_score`` : float64, its bits. NaN where the table does not
        say. Coordinates on a profile stand with the profile, whichever column holds it.
    format : str
        What the table was found to be.
    name : str
        Name of the file, for messages.
    profile_side : {'query', 'subject'} or None
        Column that holds the profiles of a HMMER table; None for BLAST, and for a HMMER table whose closing comments
        are gone, which is read as if profiles were queries (hmmsearch).
    notes : tuple of str
        What a reader of the report should know about how the table was read.
    thresholds_applied : bool
        The search kept only hits that pass the family's thresholds; no E-value is to be asked of them again.
    """

    frame: pd.DataFrame
    format: Format
    name: str = "hits"
    profile_side: Literal["query", "subject"] | None = None
    notes: tuple[str, ...] = ()
    thresholds_applied: bool = False
