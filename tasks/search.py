"""Searching the genes for families: HMMER in process, BLAST+ or DIAMOND where they are installed."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from configs.artifact import Artifact, Runtime
from configs.errors import UserError, first_of, nearest
from tasks.files import file_content
from tasks.progress import tell_share
from tasks.records import FamilyFiles, Search, SearchFacts, SearchQuestion
from tasks.stage import stage
from tasks.store import Store
from tasks.workers import usable_cores

if TYPE_CHECKING:
    from pyhmmer.plan7 import HMM

    from models.hits import Hits
    from models.sequences import Protein

_BATCH = 2048
"""Proteins that are held at a time while they are searched."""


@stage("search-family", run_name="search-{family}")
def search_family(
    family: str, proteins: Artifact, files: FamilyFiles, question: SearchQuestion, runtime: Runtime
) -> tuple[Search, ...]:
    """Search all proteins for the profiles and for the reference proteins of one family."""
    store = Store(runtime.store)
    wanted = wanted_members(family, files, question.members)
    done = []
    searcher = _Searcher(family, proteins, question, runtime)
    if wanted.profiles:
        hits = searcher.profiles(wanted.profiles)
"""
