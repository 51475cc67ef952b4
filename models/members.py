"""Members of gene families, named by a table."""

from configs.errors import TableError, first_of
from models.formats import read_table

FAMILY_COLUMN = "family"


def members_by_family(content: bytes, name: str) -> dict[str, tuple[str, ...]]:
    """Read the members of families from a table.

    Parameters
    ----------
    content : bytes
        CSV, TSV, XLSX or Parquet with a header: a column `family`, and the id of the profile or reference protein in
        the first of the other columns. Further columns are not read.
    name : str
        Name of the file, for messages.

    Returns
    -------
    dict of str to tuple of str
        Members by family, each once, in the order of the table.

    Raises
    ------
    TableError
        No such columns, or a row without member or family.
    """
    table = read_table(content, name)
    headers = [header.strip() for header in table.header]
    family = next((index for index, header in enumerate(headers) if header.lower() == FAMILY_COLUMN), None)
    if family is None or len(headers) == 1:
        raise TableError(
            wanted=f"a column {FAMILY_COLUMN!r}, and one with the ids of profiles or reference proteins",
            found=f"the columns {first_of(headers)}",
            where=name,
            remedy="Give the table a header line with these columns.",
        )
    named: dict[str, dict[str, None]] = {}
    for row, key, member in zip(table.rows, table.text(family), table.text(int(family == 0)), strict=True):
        if not key.strip() or not member.strip():
            raise TableError(
                wanted="a member and a family in every row",
                found="an empty cell",
                where=f"{name}, row {row}",
                remedy="Fill the cell in, or remove the row.",
            )
        named.setdefault(key.strip(), {})[member.strip()] = None
    return {key: tuple(members) for key, members in named.items()}
