"""The `cairn` command."""

import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from configs.errors import CairnError, StudyFileError
from configs.loading import load_study
from configs.sharing import SMALLEST_COUNT
from configs.simulation import SimulationConfig
from configs.stages import STAGES, Stage
from configs.study import FINAL, StudyConfig, Unit
from configs.watch import WatchConfig
from flows.environment import apply_settings, results_folder

if TYPE_CHECKING:
    from flows.discover import Discovered

app = typer.Typer(
    help="Cairn ranks the genes of a biosynthetic pathway from paired expression and metabolite tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 160)

StudyFile = Annotated[Path, typer.Argument(help="Study file, for example study.yaml.", show_default=False)]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a setting, for example ranking.fusion=linear."),
]
Out = Annotated[Path | None, typer.Option("--out", help="Run folder [default: runs/<study>/<timestamp>].")]

DEMO = Path("demo")
DEMO_COUNTS = (25, 100)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Folder for the simulated study and its run.")] = DEMO,
) -> None:
    """Simulate a study with known genes, run everything on it, and say how many were found."""
    apply_settings(folder.resolve() / ".cairn" / "results")
    console.print("Simulating 20,000 genes and 1,000 metabolites in 21 samples, with two pathways planted.")
    with _server_starting(folder):
        from tasks.score import score_run

        study_file = _simulated(SimulationConfig(), folder)
    study = _loaded(study_file, ())
    done = _run(study, study_file.parent, folder / "run", STAGES)
    run_folder = Path(done.run_folder)
    _show_top(run_folder, count=10)
    scores, _ = score_run(run_folder, folder / "truth.tsv")
    for row in scores:
        found = [f"{round(row[f'recall_{count}'] * row['n_true'])} in the top {count}" for count in DEMO_COUNTS]
        planted = f"{row['n_true']} planted genes, {len(study.named_baits()[row['target']])} of them given as baits"
        console.print(f"{row['target']}: of {planted}, {', '.join(found)}.")
    _show_where(run_folder)


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder to write to.", show_default=False)],
    settings: Settings = None,
) -> None:
    """Write a planted study: tables, sample sheet, truth.tsv and study.yaml."""
    apply_settings()
    study_file = _simulated(_simulation_config(settings or []), folder)
    console.print(f"Wrote {study_file} and its tables. Run it with: {_own_name()} run {study_file}", markup=False)


@app.command()
def init(
    expression: Annotated[Path, typer.Option(help="Expression table.", show_default=False)],
    metabolites: Annotated[Path, typer.Option(help="Metabolite table.", show_default=False)],
    samples: Annotated[Path | None, typer.Option(help="Sample sheet [default: made from the sample names].")] = None,
    sample_map: Annotated[
        Path | None, typer.Option("--map", help="Table of a name in a table and its sample id.", show_default=False)
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="Unit of the expression table, fpkm, tpm, counts or log2 [default: guessed].")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the study.")] = "study",
    folder: Annotated[Path, typer.Option(help="Folder for study.yaml.")] = Path(),
) -> None:
    """Look at your own tables and write a first study file, with each guess as a comment."""
    apply_settings()
    from tasks.init import GivenTables, write_study

    known = None if unit is None else _unit(unit)
    given = GivenTables(expression, metabolites, samples, sample_map, known)
    target, notes = write_study(given, folder=folder, name=name)
    for note in notes:
        console.print(f"- {note}", markup=False)
    console.print(f"Wrote {target}. Look through it, then: {_own_name()} check {target}", markup=False)


@app.command()
def check(study_file: StudyFile, settings: Settings = None) -> None:
    """Read everything and say what would run, without training."""
    apply_settings()
    from tasks.check import check_study

    report = check_study(_loaded(study_file, settings or ()), study_file.resolve().parent)
    for sentence in (*report.layers, *report.facts, *report.notes):
        console.print(f"- {sentence}", markup=False)
    console.print("The study can run.")


@app.command()
def run(
    study_file: StudyFile,
    out: Out = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="STAGE", help=f"Only this stage and what it needs: {', '.join(STAGES)}."),
    ] = None,
    settings: Settings = None,
    previous: Annotated[
        Path | None, typer.Option(help="Folder of an earlier run, to say what has changed since.", show_default=False)
    ] = None,
) -> None:
    """Run a study; what has not changed since an earlier run is not computed again."""
    folder = study_file.resolve().parent
    study = _loaded(study_file, settings or ())
    stages = _stages(only or [])
    apply_settings(results_folder(folder, study.store.url))
    done = _run(study, folder, out, stages, previous)
    for note in done.content.notes:
        console.print(f"- {note}", markup=False)
    if done.content.ranked:
        _show_top(Path(done.run_folder), count=10)
    _show_where(Path(done.run_folder))


@app.command()
def rerank(
    run_folder: Annotated[Path, typer.Argument(help="Folder of a finished run.", show_default=False)],
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option("--out", help="New run folder [default: beside the other].")] = None,
) -> None:
    """Rank a finished run again, with other settings of the ranking; nothing is read or trained anew."""
    from tasks.finished import read_finished, study_again

    place = str(run_folder.resolve())
    finished = read_finished(place)
    study_again(finished, None, settings or ())
    apply_settings(None if "://" in finished.store else Path(finished.store) / "results")
    from flows.embedded import embedded
    from flows.progress import progress_of_steps
    from flows.rerank import rank_again

    target = None if out is None else str(out.resolve())
    with progress_of_steps():
        done = embedded(finished.study, lambda: rank_again(place, None, tuple(settings or ()), target))
    _show_top(Path(done.run_folder), count=10)
    _show_where(Path(done.run_folder))


@app.command()
def watch(
    study_file: StudyFile,
    inbox: Annotated[str, typer.Argument(help="Folder or URL that new samples arrive in.", show_default=False)],
    every: Annotated[
        float | None, typer.Option(min=1, help="Seconds between two looks; one look when not given.")
    ] = None,
    quiet: Annotated[float, typer.Option(min=0, help="Seconds without a change until files are whole.")] = 60.0,
) -> None:
    """Merge new samples from an inbox into a new version of the study, and run it; stop with Ctrl-C."""
    study = _loaded(study_file, ())
    apply_settings(results_folder(study_file.resolve().parent, study.store.url))
    config = WatchConfig(study_file=str(study_file.resolve()), inbox=inbox, quiet_seconds=quiet)
    try:
        _look(config)
        while every is not None:
            time.sleep(every)
            _look(config)
    except KeyboardInterrupt:
        _complain("Stopped watching; what has arrived stays in the inbox.")


@app.command()
def score(
    run_folder: Annotated[Path, typer.Argument(help="Folder of a finished run.", show_default=False)],
    truth: Annotated[Path, typer.Argument(help="Table with gene_id and target or metabolite_id.", show_default=False)],
) -> None:
    """Say how well a ranking finds known genes."""
    apply_settings()
    from tasks.score import score_run

    scores, notes = score_run(run_folder, truth)
    _print_table(scores, "Scores")
    for note in notes:
        console.print(f"- {note}", markup=False)


@app.command()
def share(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="RUN_DIR", help="Folder of a finished run; with --restore, a bundle or table.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Bundle to write, a .zip or a folder; a .zip beside the run if not given."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="Key file, made if absent; share-key.json beside the run if not given.")
    ] = None,
    values: Annotated[
        Literal["rounded", "exact"], typer.Option(help="Numbers with three significant digits, or as they are.")
    ] = "rounded",
    smallest: Annotated[
        int, typer.Option("--smallest", min=1, help="Counts of samples and groups below this are held back.")
    ] = SMALLEST_COUNT,
    pictures: Annotated[bool, typer.Option(help="Draw the figures anew, or leave them out.")] = True,  # noqa: FBT002
    restore: Annotated[
        Path | None, typer.Option("--restore", metavar="KEY", help="Give the names back.", show_default=False)
    ] = None,
) -> None:
    """Write a bundle for others, with pseudonyms in place of all names; or give the names back."""
    apply_settings()
    if restore is not None:
        from tasks.restore import restore_names

        restored = restore_names(place, restore, out)
        target, said = restored.place, restored.sentences()
    else:
        from tasks.share import share_run

        shared = share_run(place, out, key, values=values, smallest=smallest, pictures=pictures)
        target, said = shared.place, shared.sentences()
    for sentence in said:
        console.print(f"- {sentence}", markup=False)
    console.print(f"Wrote {target}.", markup=False)


@app.command()
def weights(
    study_file: StudyFile,
    run_folder: Annotated[Path, typer.Argument(help="Folder of a finished run.", show_default=False)],
    target: Annotated[Path, typer.Argument(help="File to write, for example dense.safetensors.", show_default=False)],
    layer: Annotated[str, typer.Option(help="Layer of the autoencoder.")] = "transcriptome",
    fold: Annotated[str, typer.Option(help="Fold that it was trained on; `all` is the final fit.")] = FINAL,
) -> None:
    """Write the dense weights of a trained autoencoder for use elsewhere; they may be large."""
    apply_settings()
    from flows.context import runtime_of
    from tasks.store import Store
    from tasks.weights import write_weights

    runtime = runtime_of(_loaded(study_file, ()), study_file.resolve().parent)
    n_bytes = write_weights(run_folder, Store(runtime.store), target, layer=layer, fold=fold)
    console.print(f"Wrote {target}, {n_bytes:,} bytes.", markup=False)


@app.command()
def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = 4200) -> None:
    """Start the Prefect UI on the database of this checkout's runs; stop it with Ctrl-C."""
    apply_settings()
    console.print(f"Runs are shown at http://127.0.0.1:{port}/runs (database in {os.environ['PREFECT_HOME']}).")
    console.print("Stop with Ctrl-C.")
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - fixed words and a checked number


@app.command()
def deploy(
    kind: Annotated[str, typer.Option(help="What a worker starts for each run: process, docker or kubernetes.")] = (
        "process"
    ),
    gpus: Annotated[int, typer.Option(min=1, help="GPUs of all workers together: so many folds at a time.")] = 1,
) -> None:
    """Make the server at PREFECT_API_URL offer Cairn: work pools, deployments, automations."""
    apply_settings()
    from flows.deploying import deploy_all, kind_named

    commands = deploy_all(kind_named(kind), gpus)
    console.print("Deployed. Start the workers, each in a terminal or a service of its own:")
    for command in commands:
        console.print(f"  {command}", markup=False)
    console.print("Then open the server's page, Deployments, discover, Run.")


def main() -> None:
    """Run the command line: exit status 2 for what the user gave, 1 for our own failures."""
    try:
        app()
    except CairnError as error:
        _complain(str(error))
        sys.exit(error.exit_status)


def _complain(message: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(message, markup=False)


def _loaded(study_file: Path, overrides: list[str] | tuple[str, ...]) -> StudyConfig:
    try:
        text = study_file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        found = "a file that is no UTF-8 text" if isinstance(error, ValueError) else (error.strerror or "").lower()
        found = "a folder" if study_file.is_dir() else found
        raise StudyFileError(
            wanted="a study file", found=found, where=str(study_file), remedy="`cairn init` writes a first one."
        ) from error
    return load_study(text, file=str(study_file), overrides=overrides)


def _stages(names: list[str]) -> tuple[Stage, ...]:
    chosen = [stage for stage in STAGES if stage in names]
    if unknown := [name for name in names if name not in STAGES]:
        raise StudyFileError(
            wanted=f"one of {', '.join(STAGES)}",
            found=", ".join(repr(name) for name in unknown),
            where="--only",
            remedy="Repeat --only for several stages.",
        )
    return tuple(chosen) or STAGES


def _unit(name: str) -> Unit:
    known: tuple[Unit, ...] = ("fpkm", "tpm", "counts", "log2")
    for unit in known:
        if unit == name:
            return unit
    raise StudyFileError(
        wanted=f"one of {', '.join(known)}", found=repr(name), where="--unit", remedy="Look at how the table was made."
    )


def _run(
    study: StudyConfig, folder: Path, out: Path | None, stages: tuple[Stage, ...], previous: Path | None = None
) -> "Discovered":
    from tasks.places import check_run_inputs

    check_run_inputs(study, folder, out)
    with _server_starting(folder):
        console.print(f"Running {study.study}.", markup=False)
        from flows.embedded import run_embedded
        from flows.progress import progress_of_steps

    try:
        with progress_of_steps():
            places = [None if place is None else str(place.resolve()) for place in (out, previous)]
            return run_embedded(study, folder, places[0], stages, places[1])
    except KeyboardInterrupt:
        _complain("Stopped. Finished work is kept; the same command goes on from there.")
        raise typer.Exit(130) from None


@contextmanager
def _server_starting(folder: Path) -> Iterator[None]:
    """Start the embedded Prefect server, a process of its own, while the block runs.

    Before a first run the time is used to import what computes, too; later runs may not need it.
    """
    from flows.server import start_server

    with ThreadPoolExecutor(max_workers=1) as beside:
        server = beside.submit(start_server)
        from tasks.libraries import import_what_computes

        yield
        if not (folder / ".cairn" / "results").exists():
            import_what_computes()
        server.result()


def _look(config: WatchConfig) -> None:
    """Look at an inbox, and run the last version where that has not been done."""
    from tasks.arrivals import mark_announced, take_arrivals

    found = take_arrivals(config)
    for sentence in found.sentences():
        console.print(f"- {sentence}", markup=False)
    if found.is_pending and not found.is_busy:
        file = Path(found.study_file)
        previous = Path(found.previous) if found.previous else None
        done = _run(_loaded(file, ()), file.parent, Path(found.out), STAGES, previous)
        mark_announced.fn(config.study_file, found.version)
        _show_where(Path(done.run_folder))


def _simulated(config: SimulationConfig, folder: Path) -> Path:
    from tasks.simulate import write_simulation

    return write_simulation(config, folder)


def _simulation_config(settings: list[str]) -> SimulationConfig:
    from configs.loading import load_simulation

    return load_simulation(settings)


def _show_top(run_folder: Path, *, count: int) -> None:
    from tasks.score import top_of_ranking

    top = top_of_ranking(run_folder, count)
    for target, rows in top.items():
        _print_table(rows, f"Top {count} for {target}")


def _print_table(rows: Sequence[Mapping[str, object]], title: str) -> None:
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table, markup=False)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3g}"
    return str(value)


def _show_where(run_folder: Path) -> None:
    console.print(f"Run folder: {run_folder}", markup=False)
    console.print(f"Open report.html in it; look at the run in the Prefect UI with: {_own_name()} ui", markup=False)


def _own_name() -> str:
    """Return the command as the user called it, so that what is printed can be typed again."""
    return sys.argv[0] if Path(sys.argv[0]).name == "cairn" else "cairn"


if __name__ == "__main__":
    main()
