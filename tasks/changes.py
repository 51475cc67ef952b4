"""What changed since an earlier run of the study."""

import io

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from prefect import task

from configs.artifact import Artifact, Runtime
from configs.errors import StudyFileError
from tasks.records import Changed, Previous
from tasks.stage import stage
from tasks.store import Store

_RANKING, _SAMPLES = "ranking.parquet", "tables/samples.csv"
_COLUMNS = ("target", "gene_id", "rank", "stability")


@task(name="read-previous-run", task_run_name="read-previous-run", persist_result=False)
def read_previous(previous: str, runtime: Runtime) -> Previous:
    """Read what an earlier run found, before anything long starts; `previous` is its folder or URL.

    Raises
    ------
    StudyFileError
        There is no finished run, or its ranking cannot be read.
    """
    content, samples = _content(previous, _RANKING), _content(previous, _SAMPLES)
    try:
        ranking: pd.DataFrame = pq.read_table(pa.BufferReader(content), columns=list(_COLUMNS)).to_pandas()
        ids = pd.read_csv(io.BytesIO(samples), dtype="str", keep_default_na=False)["sample_id"]
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise _no_run(previous, f"{_RANKING} and {_SAMPLES} that cannot be read") from error
    kept = Store(runtime.store).put_table(ranking, "previous_ranking")
    return Previous(ranking=kept, samples=tuple(sorted(ids)))


@stage("compare-with-previous")
def compare_with_previous(ranking: Artifact, sheet: Artifact, previous: Previous, runtime: Runtime) -> Changed:
    """Say which genes came into the top and which left it, how alike the rankings are, and which samples came."""
    from models.changes import compare_rankings, samples_sentence

    store = Store(runtime.store)
    found = compare_rankings(store.get_table(ranking), store.get_table(previous.ranking))
    return Changed(
        table=store.put_table(found.table, "changes"),
        agreement=store.put_table(found.agreement, "agreement"),
        sentences=found.sentences,
        samples=samples_sentence(list(store.get_table(sheet)["sample_id"]), previous.samples),
    )


def _content(previous: str, name: str) -> bytes:
    filesystem, root = fsspec.core.url_to_fs(previous)
    try:
        content: bytes = filesystem.cat_file(f"{str(root).rstrip('/')}/{name}")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _no_run(previous, f"no {name} in it") from error
    return content


def _no_run(previous: str, found: str) -> StudyFileError:
    remedy = "Give the folder that `cairn run` printed."
    return StudyFileError(wanted="the folder of a finished run", found=found, where=previous, remedy=remedy)
