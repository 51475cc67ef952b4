"""A finished run shared: no name in any file, the names back with the key, and nothing left behind where it fails."""

import io
import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from configs.artifact import Runtime
from configs.errors import KeyFileError, LeakError, OutputError, StudyFileError, TableError
from models.figures import encode_figure
from models.leak_scan import Wanted, leaks_in
from models.pseudonyms import PATTERN, Pseudonyms
from models.shared_tables import Sharing
from tasks.drawings import ranking_pictures
from tasks.finished import read_finished
from tasks.places import CONTENT
from tasks.restore import restore_names
from tasks.share import SharedBundle, share_run
from tasks.share_content import SharedRun
from tasks.share_key import KEY_FILE, ShareKey, read_key, write_key
from tasks.store import Store
from tests.tasks.small_run import CLASSES, DESCRIPTION, STUDY, small_run
from tests.tasks.small_study import CONFIG, GENES, GROUPS, SAMPLES, SmallStudy


@pytest.fixture(scope="module")
def run_folder(small_study: SmallStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(small_study, tmp_path_factory.mktemp("shared") / "run")


@pytest.fixture(scope="module")
def shared(run_folder: Path) -> SharedBundle:
    return share_run(run_folder, pictures=False)  # which take most of the time; some are drawn below


@pytest.fixture(scope="module")
def files(shared: SharedBundle) -> dict[str, bytes]:
    with zipfile.ZipFile(shared.place) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def _table(files: dict[str, bytes], name: str) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(files[f"{name}.csv"]))


def test_the_bundle_is_whole_and_is_named_by_a_pseudonym(shared: SharedBundle, files: dict[str, bytes]) -> None:
    assert PATTERN.fullmatch(shared.place.stem)
    assert {"README.txt", "bundle.json", "report.html", "ranking.xlsx", "ranking.csv", "ranking.parquet"} <= set(files)
    assert {"tables/samples.csv", "tables/card_partners.csv", "tables/gene_families.csv"} <= set(files)
    assert not any("fold_plan" in name or "domains_" in name or "confusion" in name for name in files)
    assert shared.n_files == len(files)
    ranking = _table(files, "ranking")
    assert len(ranking) == len(GENES) + 1
    assert ranking["gene_id"].str.fullmatch(PATTERN.pattern).all()
    assert ranking["description"].isna().all()


def test_a_plain_search_finds_no_name_either(files: dict[str, bytes]) -> None:
    # Another road than the project's search: whole words in the plain bytes of everything that is not packed.
    telling = {*SAMPLES, *(gene for gene in GENES if gene.startswith("g") and gene != "gene_id"), "m13", "p450", "bahd"}
    telling |= {STUDY.lower(), DESCRIPTION.lower(), "capsule", "words.tsv", "old leaf", "wurzel", "organ", "acids"}
    for name, content in files.items():
        if Path(name).suffix in {".csv", ".html", ".svg", ".txt", ".json"}:
            text = re.sub(r"base64,[A-Za-z0-9+/=\s]+", "", f"{name} {content.decode('utf-8')}").lower()
            words = set(re.findall(r"[a-z0-9]+", text))
            assert not {one for one in telling if one.isalnum()} & words, name
            assert not [one for one in telling if not one.isalnum() and one in text], name
    assert {"target", "gene_id"} <= set(GROUPS)
    assert "target" not in set(_table(files, "ranking")["gene_id"])


def test_pictures_are_drawn_from_pseudonyms(run_folder: Path, small_study: SmallStudy, tmp_path: Path) -> None:
    finished = read_finished(str(run_folder))
    sharing = Sharing(Pseudonyms(b"p" * 32), {"transcriptome": "gene", "metabolome": "metabolite"})
    content = SharedRun(finished, sharing, Runtime(store=str(tmp_path), checkpoints="")).tables()
    wanted = Wanted([*(gene for gene in GENES if gene.startswith("g0")), "acids"])
    for ranked, store, kinds in (
        (content.ranked, Store(str(tmp_path)), set()),
        (finished.content.ranked, small_study.store, {"name", "title", "svg", "pdf"}),
    ):
        assert ranked
        name, title, _, figure = next(ranking_pictures(ranked, None, CONFIG, store))
        files = [("name", name.encode()), ("title", title.encode())]
        files += [(kind, encode_figure(figure, format=kind)) for kind in ("svg", "pdf")]
        assert {leak.file for leak in leaks_in(files, wanted)} == kinds


def test_small_groups_and_classes_cannot_be_counted(files: dict[str, bytes]) -> None:
    samples = _table(files, "tables/samples")
    assert set(samples["group"]) == {"fewer than 5"}
    label = next(column for column in samples if column.startswith("label-"))
    sizes = samples[label].value_counts()
    assert sizes["fewer than 5"] >= 5
    assert len(sizes) == len(set(CLASSES)) - 1
    assert _table(files, "tables/card_expression").empty
    page = files["report.html"].decode("utf-8")
    assert "7 replicate groups" in page


def test_names_come_back(shared: SharedBundle, run_folder: Path, small_study: SmallStudy, tmp_path: Path) -> None:
    restored = restore_names(shared.place, shared.key, tmp_path / "back")
    assert restored.n_unknown == 0
    before = small_study.table(small_study.ranked.ranking)
    before = before[before["target"] == "acids"].set_index("gene_id")
    after = pd.read_csv(tmp_path / "back" / "ranking.csv").set_index("gene_id")
    scored = before.index[before["score"].notna()]
    assert after["rank"][scored].tolist() == before["rank"][scored].tolist()
    assert set(after.index) == set(before.index)
    pd.testing.assert_series_equal(after["score"], before["score"].reindex(after.index), rtol=6e-3, check_names=False)
    samples = pd.read_csv(tmp_path / "back" / "tables" / "samples.csv")
    assert set(samples["sample_id"]) == set(SAMPLES)
    assert "Organ" in samples
    assert (tmp_path / "back" / "tables" / "family_P450.csv").is_file()
    assert "g03" in (tmp_path / "back" / "report.html").read_text("utf-8")
    assert restored.unchanged == ()
    with pytest.raises(OutputError, match="a new folder, found one of that name"):
        restore_names(shared.place, shared.key, tmp_path / "back")


def test_a_table_of_others_comes_back_and_a_wrong_key_is_told(shared: SharedBundle, tmp_path: Path) -> None:
    known = read_key(shared.key)
    genes = [known.pseudonyms().of("gene", gene) for gene in ("g05", "g07")]
    table = tmp_path / "theirs.csv"
    table.write_text(f"gene_id,effect\n{genes[0]},1\n{genes[1]},2\ngene-aaaaaaaaaaaa,3\n", "utf-8")
    restored = restore_names(table, shared.key)
    assert restored.place == tmp_path / "theirs-restored.csv"
    assert restored.place.read_text("utf-8") == "gene_id,effect\ng05,1\ng07,2\ngene-aaaaaaaaaaaa,3\n"
    assert "1 pseudonym of another key" in " ".join(restored.sentences())
    wrong = tmp_path / "other.json"
    write_key(ShareKey.new(), wrong)
    for place in (table, shared.place):
        with pytest.raises(KeyFileError, match=r"share-key\.json beside the run"):
            restore_names(place, wrong, tmp_path / "never")
    (tmp_path / "plain.csv").write_text("a\nb\n", "utf-8")
    with pytest.raises(TableError, match="wanted pseudonyms such as"):
        restore_names(tmp_path / "plain.csv", shared.key)
    (tmp_path / "bad.zip").write_bytes(b"no")
    with pytest.raises(TableError, match="no ZIP file"):
        restore_names(tmp_path / "bad.zip", shared.key)
    (tmp_path / "latin.csv").write_bytes("gene_id\nGrün\n".encode("latin-1"))
    with pytest.raises(TableError, match="in UTF-8"):
        restore_names(tmp_path / "latin.csv", shared.key)
    assert not (tmp_path / "never").exists()


def test_a_bundle_that_would_write_elsewhere_is_refused(shared: SharedBundle, tmp_path: Path) -> None:
    gene = read_key(shared.key).pseudonyms().of("gene", "g05")
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as packed:
        packed.writestr("../../out.csv", gene)
    with pytest.raises(TableError, match="one that would go elsewhere"):
        restore_names(tmp_path / "evil.zip", shared.key, tmp_path / "inside" / "back")
    assert not list(tmp_path.rglob("out*"))
    assert not (tmp_path / "inside" / "back").exists()


def test_the_key_is_for_its_owner_alone_and_is_in_no_bundle(shared: SharedBundle, files: dict[str, bytes]) -> None:
    assert shared.is_new_key
    assert shared.key.name == KEY_FILE
    assert shared.key.stat().st_mode & 0o777 == 0o600
    key = read_key(shared.key)
    assert set(GENES) <= set(key.names.values())
    assert not any(key.secret.encode() in content for content in files.values())
    assert json.loads(files["bundle.json"])["key"] == Pseudonyms(bytes.fromhex(key.secret)).fingerprint
    assert ShareKey.new().secret != ShareKey.new().secret


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_key_that_others_can_read_or_that_is_none_is_refused(run_folder: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    write_key(ShareKey.new(), key)
    key.chmod(0o640)
    with pytest.raises(KeyFileError, match=r"rw-r-----.*chmod 600"):
        share_run(run_folder, tmp_path / "b.zip", key)
    key.write_text("{}", "utf-8")
    key.chmod(0o600)
    with pytest.raises(KeyFileError, match="found a file of another kind"):
        share_run(run_folder, tmp_path / "b.zip", key)
    with pytest.raises(KeyFileError, match="no such file"):
        restore_names(run_folder, tmp_path / "none.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key.json"]


def test_places_that_give_something_away_or_exist_are_refused(run_folder: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("x", "utf-8")
    for out, key, told in (
        (full, None, "wanted a new bundle"),
        (full / "mine.txt", None, "wanted a new bundle"),
        (run_folder / "b.zip", None, "outside the run folder"),
        (tmp_path / "new", tmp_path / "new" / "key.json", "wanted a key outside the bundle"),
        (tmp_path / "new", run_folder / "key.json", "wanted a key outside the bundle"),
    ):
        with pytest.raises(OutputError, match=told):
            share_run(run_folder, out, key or tmp_path / "key.json")
    with pytest.raises(StudyFileError, match=r"no content\.json in it"):
        share_run(full, tmp_path / "b.zip")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["full", "mine.txt"]


def test_a_leak_leaves_nothing_behind(run_folder: Path, tmp_path: Path) -> None:
    # A metabolite that is called as the pseudonym of a gene is an original name that the bundle must not hold.
    key = ShareKey.new()
    write_key(key, tmp_path / "key.json")
    before = (tmp_path / "key.json").read_bytes()
    finished = json.loads((run_folder / CONTENT).read_text("utf-8"))
    finished["inputs"][0]["path"] = key.pseudonyms().of("gene", "g05")
    leaky = tmp_path / "leaky"
    leaky.mkdir()
    (leaky / CONTENT).write_text(json.dumps(finished), "utf-8")
    with pytest.raises(LeakError, match=r"found original names in .*ranking\.csv \(1\)") as caught:
        share_run(leaky, tmp_path / "bundle.zip", tmp_path / "key.json")
    assert caught.value.exit_status == 2
    assert "g05" not in str(caught.value)
    shutil.rmtree(leaky)
    assert [path.name for path in tmp_path.iterdir()] == ["key.json"]
    assert (tmp_path / "key.json").read_bytes() == before
