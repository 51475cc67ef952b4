"""Search tables of BLAST, DIAMOND and HMMER, found out from their content."""

import re
from collections.abc import Sequence
from dataclasses import replace

from configs.errors import TableError
from models.blast_columns import own_columns, read_columns, separator
from models.blast_rows import read_blast
from models.hits import Hits
from models.hmmer_rows import exchange_coordinates, is_hmmer, read_hmmer
from models.search_lines import no_hits, other_kind, read_lines


def read_hits(content: bytes, name: str, *, columns: Sequence[str] | None = None) -> Hits:
    """Read one search table, its format found from its content.

    Parameters
    ----------
    content : bytes
        The file, gzip or plain: BLAST or DIAMOND outfmt 6, 7 or 10, with the twelve standard columns and any further
        ones, or others that a ``# Fields:`` line, a row of column names or `columns` names; HMMER ``--tblout`` or
        ``--domtblout`` (hmmsearch, hmmscan, phmmer, jackhmmer, nhmmer, nhmmscan; of HMMER 3.0 and later).
    name : str
        Name of the file, for messages.
    columns : sequence of str, optional
        What follows ``-outfmt``, word by word: names of the columns in order, of which those of query, subject,
        E-value and bit score have to be among them; ``std`` stands for the twelve standard ones; a format number
        and ``delim=;`` may come first.

    Returns
    -------
    Hits
        A file without hits, or an empty file, gives a table of no rows. A table of a search of nucleotides (BLASTX,
        TBLASTN, BLASTN, nhmmer) is read as it is, with a note: its scores and E-values tell families, its positions
        may be nucleotides.

    Raises
    ------
    TableError
        A file of another kind, a truncated gzip, a row with a wrong number of columns, a number that is none, columns
        that name a column twice or not at all or against what the file itself says.
    """
    given = None if columns is None else read_columns(columns, name)
    lines = read_lines(content, name)
    if is_hmmer(lines):
        if given is not None:
            raise TableError(
                wanted="a BLAST or DIAMOND table, since the study file names its columns",
                found="a HMMER table",
                where=name,
                remedy="Give its path alone; HMMER's columns are known.",
            )
        return read_hmmer(lines)
    if given is not None or own_columns(lines) or (lines.rows and separator(lines.rows[0][1])):
        return read_blast(lines, given)
    if lines.rows or (lines.comments and not re.search(r"BLAST|DIAMOND", lines.heading)):
        raise other_kind(lines)
    return Hits(no_hits(), "blast" if lines.comments else "empty", name)


def swap_coordinates(hits: Hits) -> Hits:
    """Return `hits` with the coordinates of query and subject exchanged, for a HMMER table read the wrong way round."""
    return replace(hits, frame=exchange_coordinates(hits.frame), profile_side="subject")
