"""The folder of a finished run of the small study, with a label, descriptions, and ids that are hard to hide."""

from pathlib import Path

import pandas as pd

from configs.study import PreprocessConfig, StudyConfig
from tasks.cards import write_cards
from tasks.places import CONTENT
from tasks.prepare import prepare
from tasks.records import FinishedRun, FoldPlan, InputFile, Ranked, References, RunContent
from tests.tasks.small_study import BAITS, CONFIG, FAMILIES, GENES, TARGETS, SmallStudy

STUDY = "Secretum-fruit"
DESCRIPTION = "putative acyltransferase of Dr Miller"
TARGET = "acids"
CLASSES = ("young leaf",) * 8 + ("old leaf",) * 6 + ("Wurzel",) * 2


def small_run(study: SmallStudy, folder: Path) -> Path:
    """Write the folder of a finished run; returns it."""
    store = study.store
    sheet = store.get_table(study.layers.sheet).assign(Organ=pd.Series(CLASSES, dtype="str"))
    layers = {"transcriptome": study.layers.genes, "metabolome": study.layers.metabolites}
    units, roles = (
        {"transcriptome": "log2", "metabolome": "log2"},
        {"transcriptome": "genes", "metabolome": "metabolites"},
    )
    kept = store.put_table(sheet, "samples")
    prepared = prepare.fn(layers, kept, units, roles, PreprocessConfig(), study.runtime)
    annotation = pd.DataFrame({"gene_id": GENES, "description": DESCRIPTION}, dtype="str")
    ranked = _of_one_target(study)
    nobody = store.put_table(_no_labels(), "label_design")
    content = RunContent(
        prepared=prepared,
        references=References(targets=TARGETS, baits=BAITS, notes=("g02 is a bait.",)),
        plan=FoldPlan(table=study.plan.table, labels=nobody, folds=("0", "1"), split=(), notes=()),
        annotation=store.put_table(annotation, "annotation"),
        evidence=study.evidence,
        target_correlation=study.correlation.best,
        homology=study.homology,
        bait=study.bait,
        gene_graph=study.graph,
        ranked=ranked,
        cards=write_cards.fn(
            study.layers,
            {TARGET: TARGETS[TARGET]},
            study.evidence,
            ranked,
            study.homology,
            (CONFIG, "spearman"),
            study.runtime,
        ),
        notes=("capsule.tsv has 40 genes.",),
    )
    finished = FinishedRun(
        study=_settings(),
        content=content,
        inputs=(InputFile(path="deep/capsule.tsv", sha256="0" * 64, n_bytes=1),),
        store=study.runtime.store,
    )
    folder.mkdir(parents=True)
    (folder / CONTENT).write_text(finished.model_dump_json(), "utf-8")
    return folder


def _of_one_target(study: SmallStudy) -> Ranked:
    """Return the ranking of one target alone, with descriptions: figures of one are enough."""
    ranked, store = study.ranked, study.store
    tables = {}
    for kind, artifact in (("ranking", ranked.ranking), ("false_in_top", ranked.false_in_top)):
        table = study.table(artifact)
        tables[kind] = table[table["target"] == TARGET].reset_index(drop=True)
    described = tables["ranking"].assign(description=DESCRIPTION)
    update = {
        "ranking": store.put_table(described, "ranking"),
        "false_in_top": store.put_table(tables["false_in_top"], "false_in_top"),
        "weights": {TARGET: ranked.weights[TARGET]},
    }
    return ranked.model_copy(update=update)


def _settings() -> StudyConfig:
    document = {
        "study": STUDY,
        "layers": {
            "transcriptome": {"path": "deep/capsule.tsv", "unit": "log2"},
            "metabolome": {"path": "m.tsv", "unit": "log2"},
        },
        "targets": TARGETS,
        "baits": BAITS,
        "families": {name: family.model_dump() for name, family in FAMILIES.items()},
        "annotation": "words.tsv",
        "ranking": CONFIG.model_dump(),
    }
    return StudyConfig.model_validate(document)


def _no_labels() -> pd.DataFrame:
    columns = {"label": "str", "class": "str", "n_samples": "int64", "n_groups": "int64"}
    columns |= dict.fromkeys(("within_groups", "predictable"), "bool")
    return pd.DataFrame({name: [] for name in columns}).astype(columns)
