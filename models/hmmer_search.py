"""hmmsearch and phmmer in process, in one pass over the proteins (HMMER 3, doi:10.1371/journal.pcbi.1002195)."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TypeAlias, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyhmmer.easel import AA, Alphabet, DigitalSequence, DigitalSequenceBlock
from pyhmmer.plan7 import Background, Builder, Domain, Hit, OptimizedProfile, Pipeline

from configs.homology import Thresholds
from models.hits import NUMBERS, Hits
from models.profiles import Profile
from models.sequences import Protein, batches

Argument = TypeVar("Argument")
Result = TypeVar("Result")
Proteins: TypeAlias = Callable[[], Iterator[Sequence[Protein]]]

MAX_DOMAIN_EVALUE = 10.0
"""Largest conditional E-value of a domain that is reported: HMMER's own default, ``--domE``."""

REFERENCES_A_TASK = 8
"""Reference proteins that one thread turns into profiles at a time."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How proteins are searched.

    Attributes
    ----------
    max_evalue : float
        Largest E-value of a protein that is a hit, 0 to 10.
    thresholds : {'gathering', 'evalue'}
        Whether a profile's own gathering thresholds, bits, are taken where it has them, or `max_evalue` for all.
    cpus : int
        Threads that search.
    batch_residues : int
        Residues that one thread searches at a time.
    """

    max_evalue: float = 1e-5
    thresholds: Thresholds = "gathering"
    cpus: int = 1
    batch_residues: int = 250_000


def search_profiles(
    profiles: Sequence[Profile],
    proteins: Proteins,
    *,
    n_proteins: int,
    settings: SearchSettings,
    progress: Callable[[int], None],
) -> Hits:
    """Search proteins with profiles, as hmmsearch does.

    E-values are those of a search of all proteins at once, so they do not depend on the batches. Only the hits and as
    many batches as there are threads, twice, are in memory at a time.

    Parameters
    ----------
    profiles : sequence of HMM
        The profiles.
    proteins : callable
        Returns an iterator over all proteins in parts of any size; called once.
    n_proteins : int
        Number of all proteins; HMMER's Z.
    settings : SearchSettings
        Thresholds, threads and batches.
    progress : callable
        Told the number of proteins that have been searched, after each batch.

    Returns
    -------
    Hits
        One row a domain that HMMER reports (``--domtblout``), with the profile as query, in the order of `profiles`,
        then of the full-sequence score, best first, and of the names where that is equal.
    """
    may_gather = settings.thresholds == "gathering"
    background = Background(Alphabet.amino())
    queries = [
        _Query(
            profile.name,
            profile.to_profile(background).to_optimized(),
            may_gather and profile.cutoffs.gathering_available(),
        )
        for profile in profiles
    ]
    n_own = sum(query.gathers for query in queries)
    note = (
        f"{n_own} of {len(queries)} profiles were searched with their own gathering thresholds, the others with an "
        f"E-value of at most {settings.max_evalue:g}."
    )
    with ThreadPoolExecutor(settings.cpus) as pool:
        found = _search(pool, queries, proteins, _Scale(n_proteins, settings), progress)
    return _hits(found, queries, "hmmsearch", (note,) if may_gather else ())


def search_references(
    references: Sequence[Protein],
    proteins: Proteins,
    *,
    n_proteins: int,
    settings: SearchSettings,
    progress: Callable[[int], None],
) -> Hits:
    """Search proteins with reference proteins, as phmmer does (BLOSUM62, its default gap probabilities).

    Parameters, memory and result as in `search_profiles`; the reference is the query, and `max_evalue` the threshold.
    """
    with ThreadPoolExecutor(settings.cpus) as pool:
        groups = [references[at : at + REFERENCES_A_TASK] for at in range(0, len(references), REFERENCES_A_TASK)]
        queries = list(chain.from_iterable(pool.map(_built, groups)))
        found = _search(pool, queries, proteins, _Scale(n_proteins, settings), progress)
    return _hits(found, queries, "phmmer", ())


@dataclass(frozen=True, slots=True)
class _Query:
    """What is searched with, ready for HMMER, and whether its own thresholds count."""

    name: str
    profile: "OptimizedProfile[AA]"
    gathers: bool = False


@dataclass(frozen=True, slots=True)
class _Scale:
    n_proteins: int
    settings: SearchSettings

    def pipelines(self) -> "dict[bool, Pipeline[AA]]":
        """Return a fresh pipeline for queries with own thresholds, and one for the others."""
        amino, z = Alphabet.amino(), float(self.n_proteins)
        return {
            True: Pipeline(amino, Z=z, bit_cutoffs="gathering"),
            False: Pipeline(amino, Z=z, E=self.settings.max_evalue, domE=MAX_DOMAIN_EVALUE),
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Domains of one batch.

    Names of their proteins, their `_FIELDS`, shape=(n_domains, n_fields), and the proteins that each query hits,
    shape=(n_queries,).
    """

    n_proteins: int
    subjects: tuple[str, ...]
    numbers: NDArray[np.float64]
    n_hits: NDArray[np.int64]


_FIELDS = ("query_index", "p", *NUMBERS)


def _built(references: Sequence[Protein]) -> list[_Query]:
    """Turn proteins into profiles, as phmmer does."""
    amino = Alphabet.amino()
    builder, background = Builder(amino), Background(amino)
    return [
        _Query(protein.name, builder.build(_digital(protein.name, protein.sequence, amino), background)[2])
        for protein in references
    ]


def _digital(name: str, sequence: str, amino: AA) -> "DigitalSequence[AA]":
    return DigitalSequence(amino, name=name, sequence=amino.encode(sequence))


def _search(
    pool: ThreadPoolExecutor,
    queries: Sequence[_Query],
    proteins: Proteins,
    scale: _Scale,
    progress: Callable[[int], None],
) -> list[_Found]:
    """Search batch by batch; a thread takes one batch through all queries, so one query keeps all threads busy too."""
    found: list[_Found] = []
    parts = batches(chain.from_iterable(proteins()), scale.settings.batch_residues)
    n_done = 0
    for one in _in_order(pool, partial(_search_batch, queries, scale), parts, 2 * scale.settings.cpus):
        n_done += one.n_proteins
        found.append(one)
        progress(n_done)
    return found


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[Argument], Result], arguments: Iterable[Argument], n_waiting: int
) -> Iterator[Result]:
    """Map as the pool does, but take no argument before there is room for it."""
    waiting: deque[Future[Result]] = deque()
    for argument in arguments:
        if len(waiting) == n_waiting:
            yield waiting.popleft().result()
        waiting.append(pool.submit(work, argument))
    while waiting:
        yield waiting.popleft().result()


def _search_batch(queries: Sequence[_Query], scale: _Scale, proteins: Sequence[Protein]) -> _Found:
    amino, pipelines = Alphabet.amino(), scale.pipelines()
    sequences = (_digital(str(index), protein.sequence, amino) for index, protein in enumerate(proteins))
    block = DigitalSequenceBlock(amino, sequences)
    subjects: list[str] = []
    rows: list[tuple[float, ...]] = []
    n_hits = np.zeros(len(queries), dtype=np.int64)
    for index, query in enumerate(queries):
        pipeline = pipelines[query.gathers]
        hits = pipeline.search_hmm(query.profile.copy(), block)  # a copy: the search writes the proteins' lengths in it
        pipeline.clear()
        n_hits[index] = len(hits.reported)
        for hit in hits.reported:
            domains = [(index, *_numbers(hit, domain)) for domain in hit.domains.reported]
            rows.extend(domains)
            subjects.extend([proteins[int(hit.name)].name] * len(domains))
    numbers = np.array(rows, dtype=np.float64).reshape(len(rows), len(_FIELDS))
    return _Found(len(proteins), tuple(subjects), numbers, n_hits)


def _numbers(hit: Hit, domain: Domain) -> tuple[float, ...]:
    """Return `_FIELDS` without the query."""
    ali = domain.alignment
    return (
        *(domain.pvalue, hit.evalue, hit.score),
        *(ali.hmm_from, ali.hmm_to, ali.target_from, ali.target_to, ali.hmm_length, ali.target_length),
        *(domain.i_evalue, domain.score),
    )


def _hits(found: Sequence[_Found], queries: Sequence[_Query], name: str, notes: tuple[str, ...]) -> Hits:
    """Put the batches together: the queries in their order, the best proteins of each first."""
    numbers = np.concatenate([np.empty((0, len(_FIELDS))), *(one.numbers for one in found)])
    query, p = numbers[:, 0].astype(np.intp), numbers[:, 1]
    # HMMER's bound on domains: p times the number of proteins that the query hits, known only now
    n_hits = sum((one.n_hits for one in found), np.zeros(len(queries), dtype=np.int64))
    gathers = np.array([one.gathers for one in queries], dtype=bool)
    is_reported = gathers[query] | (p * n_hits[query] <= MAX_DOMAIN_EVALUE)
    names = np.array([one.name for one in queries], dtype=object)
    subjects = np.array([subject for one in found for subject in one.subjects], dtype=object)
    alphabetical = np.unique(subjects, return_inverse=True)[1]
    order = np.lexsort((alphabetical, -numbers[:, _FIELDS.index("bit_score")], query))
    order = order[is_reported[order]]
    frame = pd.DataFrame(numbers[order][:, 2:], columns=list(NUMBERS))
    frame.insert(0, "query", pd.Series(names[query[order]], dtype="str"))
    frame.insert(1, "subject", pd.Series(subjects[order], dtype="str"))
    return Hits(frame, "domtblout", name, "query", notes, thresholds_applied=True)
