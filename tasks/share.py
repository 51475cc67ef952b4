"""Bundles for others: a finished run whose names are pseudonyms, searched for leaks before anybody can have it."""

import json
import platform
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from configs.artifact import Artifact, Runtime
from configs.errors import LeakError, OutputError, counted
from configs.sharing import SHARING, SMALLEST_COUNT, NameKind, Values
from configs.study import Role
from tasks.finished import check_objects, read_finished
from tasks.places import output_error
from tasks.publish import tables_of, write_csv
from tasks.records import FinishedRun, RunContent
from tasks.report import without_execution, write_report
from tasks.share_content import WITHHELD, SharedRun, own_layers
from tasks.share_key import KEY_FILE, ShareKey, read_key, write_key
from tasks.share_words import readme
from tasks.store import Store

if TYPE_CHECKING:
    from models.leak_scan import Leak, Wanted
    from models.shared_tables import Sharing

BUNDLE, BUNDLE_FORMAT = "bundle.json", "cairn bundle 1"
_FEATURES: dict[Role, NameKind] = {"genes": "gene", "metabolites": "metabolite", "features": "feature"}
_NAMED_SETTINGS = {"study", "layers", "samples", "targets", "baits", "families", "homology", "annotation"}
_TELLING_HOST = 4
"""Letters from which on the name of a machine is no word by chance."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class SharedBundle:
    """A bundle that was written.

    Attributes
    ----------
    place, key : Path
        The bundle, and the key that gives the names back.
    is_new_key : bool
        Whether the key was made now.
    n_files, n_searched : int
        Files of the bundle, and names that were searched for in all of them.
    n_ordinary : int
        Names that are ordinary words or numbers, looked for in the columns of names alone.
    """

    place: Path
    key: Path
    is_new_key: bool
    n_files: int
    n_searched: int
    n_ordinary: int

    def sentences(self) -> tuple[str, ...]:
        """Say what was made and what was proved."""
        key = "a new key, which only you can read" if self.is_new_key else "the same key as before"
        ordinary = (
            f" {counted(self.n_ordinary, 'further name')} cannot be told from ordinary words or numbers and had to be "
            "absent from the columns of names alone."
            if self.n_ordinary
            else ""
        )
        searched = (
            f"{counted(self.n_searched, 'original name')} or texts were searched for in all {self.n_files} files, "
            f"unpacked, and none was found.{ordinary}"
        )
        keep = (
            f"Names are replaced by pseudonyms of {key}: {self.key}. Keep it, and give it to nobody: with it, "
            "`cairn share --restore` gives the names back."
        )
        return searched, keep, "README.txt in the bundle says what can still be inferred from it."


def share_run(
    run_folder: Path,
    out: Path | None = None,
    key: Path | None = None,
    *,
    values: Values = "rounded",
    smallest: int = SMALLEST_COUNT,
    pictures: bool = True,
) -> SharedBundle:
    """Write a bundle of a finished run for others.

    Parameters
    ----------
    run_folder : Path
        Folder of the finished run; its store must still be there.
    out : Path, optional
        A name that ends in `.zip`, or a folder; a ZIP file beside the run folder, called by the pseudonym of the study,
        when not given. It must not exist.
    key : Path, optional
        Key file, made where there is none; `share-key.json` beside the run folder when not given.
    values : {'rounded', 'exact'}
        Whether measured and computed numbers are rounded to three significant digits.
    smallest : int
        Counts of samples and groups below it are held back, and classes with fewer samples pooled.
    pictures : bool
        Whether figures are drawn anew. Their SVG is searched like all else; the pixels of a PNG cannot be.

    Raises
    ------
    UserError
        There is no finished run, the key cannot be used, or the bundle exists or lies where it must not.
    LeakError
        An original name was found in what would have been the bundle. Nothing is left behind.
    """
    place = run_folder.resolve()
    finished = read_finished(str(place))
    check_objects(finished)
    key_place = (key or place.parent / KEY_FILE).resolve()
    is_new = not key_place.exists()
    kept = ShareKey.new() if is_new else read_key(key_place)
    sharing = _sharing(finished, kept, values, smallest)
    named = f"{sharing.pseudonyms.of('study', finished.study.study)}.zip"
    target = (out or place.parent / named).resolve()
    _check_places(target, key_place, place)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".cairn-share-", dir=target.parent) as temporary:
            home = Path(temporary)
            bundle = home / "bundle"
            wanted = _write_bundle(bundle, home / "store", finished, sharing, pictures=pictures)
            ready = _packed(bundle, home / "bundle.zip") if target.suffix == ".zip" else bundle
            write_key(kept.model_copy(update={"names": dict(sharing.pseudonyms.names)}), key_place)
            ready.replace(target)
    except OSError as error:
        if is_new:
            key_place.unlink(missing_ok=True)
        raise output_error(error, str(target)) from error
    n_files = sum(1 for _ in _files(target)) if target.is_dir() else len(zipfile.ZipFile(target).namelist())
    return SharedBundle(target, key_place, is_new, n_files, len(wanted.searched), len(wanted.ordinary))


def _sharing(finished: FinishedRun, key: ShareKey, values: Values, smallest: int) -> "Sharing":
    from models.shared_tables import Sharing, SmallClasses

    study = finished.study
    sheet = Store(finished.store).get_table(finished.content.prepared.sheet)
    return Sharing(
        pseudonyms=key.pseudonyms(),
        features={layer: _FEATURES[study.role(layer)] for layer in study.layers},
        own_layers=own_layers(study),
        small=SmallClasses.of_sheet(sheet, smallest),
        smallest=smallest,
        values=values,
    )


def _check_places(target: Path, key: Path, run_folder: Path) -> None:
    """Raise OutputError for a bundle that exists, and for a key or a bundle that would go out with something else."""
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise OutputError(
            wanted="a new bundle",
            found="a file or a folder of that name",
            where=str(target),
            remedy="Choose another name with --out, or remove it first.",
        )
    if target.is_relative_to(run_folder):
        raise OutputError(
            wanted="a bundle outside the run folder",
            found="one inside it",
            where=str(target),
            remedy="Choose another place with --out.",
        )
    if key.is_relative_to(target) or key.is_relative_to(run_folder):
        raise OutputError(
            wanted="a key outside the bundle and the run folder, which may be given away",
            found="one inside",
            where=str(key),
            remedy="Choose another place with --key.",
        )


def _write_bundle(bundle: Path, home: Path, finished: FinishedRun, sharing: "Sharing", *, pictures: bool) -> "Wanted":
    """Write and search the files of a bundle, those that are quickly made first; returns what was searched for."""
    from models.leak_scan import Wanted
    from tasks.own_text import own_text

    runtime = Runtime(store=str(home), checkpoints=str(home / "checkpoints"))
    run, store = SharedRun(finished, sharing, runtime), Store(runtime.store)
    content, study = run.tables(), without_execution(run.study())
    wanted = Wanted(_names_of(finished, sharing), own_text())
    _write_tables(bundle, content, store)
    _write_about(bundle, sharing)
    _check_columns(content, store, sharing)
    _search(bundle, wanted)
    if pictures:
        content = content.model_copy(update={"figures": run.figures(content)})
        _write_figures(bundle / "figures", content, store)
    reported = write_report.fn(content, study, runtime)
    (bundle / "ranking.xlsx").write_bytes(store.get(reported.workbook))
    (bundle / "report.html").write_bytes(store.get(reported.html))
    _search(bundle, wanted)
    return wanted


def _write_tables(bundle: Path, content: RunContent, store: Store) -> None:
    (bundle / "tables").mkdir(parents=True)
    for name, artifact in _published(content):
        write_csv(store.get(artifact), bundle / "tables" / f"{name}.csv")
    if content.ranked:
        ranking = store.get(content.ranked.ranking)
        (bundle / "ranking.parquet").write_bytes(ranking)
        write_csv(ranking, bundle / "ranking.csv")


def _write_figures(folder: Path, content: RunContent, store: Store) -> None:
    """Write every format of every figure."""
    folder.mkdir()
    for figure in content.figures:
        for field in type(figure).model_fields:
            drawn = getattr(figure, field)
            if isinstance(drawn, Artifact):
                (folder / f"{figure.name}{PurePath(drawn.uri).suffix}").write_bytes(store.get(drawn))


def _write_about(bundle: Path, sharing: "Sharing") -> None:
    facts = {
        "format": BUNDLE_FORMAT,
        "key": sharing.pseudonyms.fingerprint,
        "values": sharing.values,
        "smallest_count": sharing.smallest,
        "cairn": version("cairn-omics"),
    }
    (bundle / BUNDLE).write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
    (bundle / "README.txt").write_text(readme(sharing.values, sharing.smallest), "utf-8")


def _published(content: RunContent) -> Iterator[tuple[str, Artifact]]:
    for name, artifact in tables_of(content):
        if artifact.kind != WITHHELD and not SHARING[artifact.kind].withheld:
            yield name, artifact


def _names_of(finished: FinishedRun, sharing: "Sharing") -> frozenset[str]:
    """Return all that must not be in the bundle: names, free text, places, and this machine."""
    from models.shared_tables import names_in_table

    content, store = finished.content, Store(finished.store)
    artifacts = [artifact for _, artifact in tables_of(content)]
    artifacts += [artifact for artifact in (content.annotation, content.ranked and content.ranked.ranking) if artifact]
    artifacts += content.prepared.raw.values()
    names = set(sharing.pseudonyms.originals())
    for artifact in artifacts:
        names |= names_in_table(store.get_table(artifact), artifact.kind)
    names |= set(_texts(finished.study.model_dump(mode="json", include=_NAMED_SETTINGS)))
    files = {file.path for file in finished.inputs}
    places = {finished.store, str(Path(finished.store).parent), str(Path.home())}
    machine = {platform.node()} if len(platform.node()) >= _TELLING_HOST else set()
    searches = content.homology.searches if content.homology else ()
    commands = {command for facts in searches for command in facts.commands}
    return frozenset(
        (names | files | {PurePath(file).name for file in files} | places | machine | commands) - sharing.own_layers
    )


def _texts(value: object) -> Iterator[str]:
    """Yield every key and text inside settings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _search(bundle: Path, wanted: "Wanted") -> None:
    """Search every file of a bundle; raises LeakError, which names the files and not what they hold."""
    from models.leak_scan import leaks_in

    leaks = leaks_in(((path.relative_to(bundle).as_posix(), _written(path)) for path in _files(bundle)), wanted)
    if leaks:
        raise LeakError(
            wanted="a bundle without any original name",
            found=_found(leaks),
            where="the bundle",
            remedy="Nothing was written. A name that is also a word of another language or of a file format can be "
            "taken for a leak; any other is a fault of Cairn that its makers want to know. Do not share the run folder "
            "in its place.",
        )


def _written(path: Path) -> bytes:
    """Return a file, a page without the scripts of libraries: these are as they came, and full of short words."""
    from tasks.own_text import library_scripts

    content = path.read_bytes()
    for script in library_scripts() if path.suffix == ".html" else ():
        content = content.replace(script, b" ")
    return content


def _found(leaks: "tuple[Leak, ...]") -> str:
    listed = ", ".join(f"{leak.file} ({leak.count:,})" for leak in leaks[:5])
    further = f" and {counted(len(leaks) - 5, 'more file')}" if len(leaks) > 5 else ""
    return f"original names in {listed}{further}"


def _check_columns(content: RunContent, store: Store, sharing: "Sharing") -> None:
    """Raise LeakError where a column of names holds anything but pseudonyms, whatever words the names are."""
    from models.shared_tables import unreplaced

    own = {*sharing.own_layers, sharing.pool, WITHHELD}
    tables = dict(_published(content)) | ({"ranking": content.ranked.ranking} if content.ranked else {})
    counts = {name: unreplaced(store.get_table(table), table.kind, own) for name, table in tables.items()}
    if found := {name: count for name, count in counts.items() if count}:
        raise LeakError(
            wanted="pseudonyms alone in the columns of names",
            found=", ".join(f"{count:,} other values in {name}" for name, count in found.items()),
            where="the bundle",
            remedy="Nothing was written. Please tell the makers of Cairn which command you gave.",
        )


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _packed(bundle: Path, target: Path) -> Path:
    """Pack a bundle, the same bytes for the same files."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in _files(bundle):
            member = zipfile.ZipInfo(path.relative_to(bundle).as_posix(), _EPOCH)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            with path.open("rb") as source, packed.open(member, "w", force_zip64=True) as sink:
                shutil.copyfileobj(source, sink)
    return target
