"""A first study file and sample sheet from a lab's own tables."""

import os
from pathlib import Path

import yaml

from configs.artifact import SourceFile
from configs.errors import OutputError, StudyFileError
from configs.study import LayerConfig, Unit
from models.reading import read_layer
from models.samples import samples_from_names
from tasks.files import file_content
from tasks.folders import put_files


def write_study(
    expression: Path, metabolites: Path, samples: Path | None, *, folder: Path, name: str, unit: Unit
) -> tuple[Path, tuple[str, ...]]:
    """Write `study.yaml`, and `samples.tsv` when there is no sample sheet; returns the study file and what was guessed.

    Raises
    ------
    OutputError
        A study file is there already.
    StudyFileError
        A table is not there.
    TableError
        A table cannot be read.
    """
    target = folder / "study.yaml"
    own_sheet = folder / "samples.tsv"
    for file, wanted in ((target, "study file"), *(((own_sheet, "sample sheet"),) if samples is None else ())):
        if file.exists():
            raise OutputError(
                wanted=f"a folder without a {wanted}",
                found="one that has one",
                where=str(file),
                remedy="Move it away, name it with --samples, or choose another folder with --folder."
                if file == own_sheet
                else "Move it away, or choose another folder with --folder.",
            )
    notes: list[str] = []
    names: dict[str, None] = {}
    for layer, path, layer_unit in (("transcriptome", expression, unit), ("metabolome", metabolites, "intensity")):
        if not path.is_file():
            found = "a folder" if path.is_dir() else "nothing there"
            raise StudyFileError(wanted="a table", found=found, where=str(path), remedy="Correct the path.")
        reading = read_layer(
            file_content(SourceFile(path=str(path))),
            path.name,
            name=layer,
            config=LayerConfig(path=path.name),
            unit=layer_unit,
            known_samples=frozenset(),
        )
        notes += reading.notes
        names |= dict.fromkeys(reading.layer.sample_ids)
    files: dict[str, str] = {}
    if samples is None:
        sheet, said = samples_from_names(list(names))
        notes += said
        samples = own_sheet
        files[own_sheet.name] = sheet.to_csv(sep="\t", index=False, lineterminator="\n")
    document = {
        "study": name,
        "layers": {
            "transcriptome": {"path": _relative(expression, folder), "unit": unit},
            "metabolome": {"path": _relative(metabolites, folder), "unit": "intensity", "zeros": "real"},
        },
        "samples": {"path": _relative(samples, folder)},
    }
    comments = "".join(f"# {note}\n" for note in (_HEADER, *notes))
    files[target.name] = comments + yaml.safe_dump(document, sort_keys=False, allow_unicode=True) + _FOOTER

    def write(temporary: Path) -> None:
        for file_name, text in files.items():
            (temporary / file_name).write_text(text, "utf-8")

    put_files(folder, write)
    return target, tuple(notes)


_HEADER = "Made by `cairn init`. Check every line, above all the units and the replicate groups in the sample sheet."
_FOOTER = """\
# targets:            # metabolites that stand for a pathway; without any, all metabolites are one target
#   my_pathway: [metabolite id, another metabolite id]
# baits:              # genes that you know to belong to it
#   my_pathway: [gene id]
"""


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
