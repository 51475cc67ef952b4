"""Gene families, where their evidence comes from, and how genes are searched for them."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from configs.section import Section

Program = Literal["phmmer", "blast", "diamond"]
Thresholds = Literal["gathering", "evalue"]


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str | dict | SearchTable) else value


class SearchTable(Section):
    """A search table whose columns the study file names, since the file itself does not."""

    path: str = Field(description="BLAST or DIAMOND outfmt 6 file (also .gz), relative to the study file.")
    columns: Annotated[tuple[str, ...], Field(min_length=4)] = Field(
        description="Names of its columns in order, as in -outfmt '6 qseqid sseqid ...'."
    )


Paths = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Tables = Annotated[tuple[str | SearchTable, ...], BeforeValidator(_listed)]


class FamilyConfig(Section):
    """A named gene family, and what tells its members: search tables, profiles, reference proteins, or several."""

    tables: Tables = Field(
        (), description="BLAST or DIAMOND outfmt 6 or 7, HMMER --tblout or --domtblout files (also .gz)."
    )
    profiles: Paths = Field((), description="HMMER profile files (also .gz), searched with hmmsearch in process.")
    references: Paths = Field((), description="FASTA files of known proteins (also .gz), searched by homology.program.")
    members: tuple[str, ...] = Field(
        (),
        description="Names or accessions of the profiles, and ids of the references, that make this family; all of the "
        "files when empty, or those that homology.member_table gives it.",
    )
    targets: tuple[str, ...] = Field((), description="Targets that this family serves; all when empty.")
    max_evalue: float = Field(1e-5, gt=0, le=10, description="Hits with a larger E-value are no hits.")

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not (self.tables or self.profiles or self.references):
            message = "the family is empty; name search tables, profiles or references"
            raise ValueError(message)
        return self

    @property
    def is_searched(self) -> bool:
        """Whether Cairn itself searches for this family."""
        return bool(self.profiles or self.references)

    def table_paths(self) -> tuple[str, ...]:
        """Return the paths of the search tables."""
        return tuple(table if isinstance(table, str) else table.path for table in self.tables)

    def paths(self) -> tuple[str, ...]:
        """Return the paths of all files of the family."""
        return (*self.table_paths(), *self.profiles, *self.references)


class HomologyConfig(Section):
    """The sequences of the genes, how they are searched, and how their ids join the expression table."""

    proteins: str | None = Field(None, description="Protein FASTA of the genes (also .gz).")
    transcripts: str | None = Field(
        None, description="Transcript FASTA (also .gz) in place of proteins; the longest reading frame is searched."
    )
    genetic_code: int = Field(1, ge=1, le=33, description="NCBI number of the genetic code of the transcripts.")
    min_residues: int = Field(30, ge=1, le=10_000, description="Shortest reading frame that is searched, residues.")
    gene_map: str | None = Field(
        None,
        description="Table of two columns (sequence id, gene id), or GFF3 or GTF, for ids that do not join by "
        "themselves.",
    )
    member_table: str | None = Field(
        None, description="Table of member id and family, for families that share one file of profiles or references."
    )
    program: Program = Field(
        "phmmer", description="What searches reference proteins: HMMER in process, or BLAST+ or DIAMOND when installed."
    )
    thresholds: Thresholds = Field(
        "gathering",
        description="`gathering` takes a profile's own thresholds where it has them, and max_evalue where not; "
        "`evalue` takes max_evalue for all.",
    )
    timeout_minutes: float = Field(60.0, gt=0, le=10_000, description="Longest that BLAST+ or DIAMOND may take.")

    @model_validator(mode="after")
    def _one_kind_of_sequence(self) -> Self:
        if self.proteins and self.transcripts:
            message = "give proteins or transcripts, not both"
            raise ValueError(message)
        return self

    @property
    def sequences(self) -> str | None:
        """The path of the FASTA of the genes, if there is one."""
        return self.proteins or self.transcripts

    def paths(self) -> tuple[str, ...]:
        """Return the paths of all files that are named here."""
        return tuple(path for path in (self.sequences, self.gene_map, self.member_table) if path is not None)
