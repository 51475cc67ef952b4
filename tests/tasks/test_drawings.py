from pathlib import Path

from matplotlib.figure import Figure

from tasks.drawings import family_pictures, kept
from tasks.store import Store
from tests.tasks.small_homology import small_homology


def test_a_label_never_becomes_a_path(tmp_path: Path) -> None:
    labels = ["tissue", "../../site", "site a", "site-a", "Höhe (m)"]
    pictures = ((f"latents_{label}", label, "", Figure(figsize=(1, 1))) for label in labels)
    files = kept(pictures, Store(str(tmp_path)))
    names = [file.name for file in files]
    assert names == ["latents_tissue", "latents_-site", "latents_site-a", "latents_site-a-2", "latents_H-he-m-"]
    assert [file.title for file in files] == labels


def test_every_picture_is_kept_as_png_svg_and_pdf(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    (file,) = kept(iter([("a", "A", "", Figure(figsize=(1, 1)))]), store)
    assert file.pdf is not None
    starts = [store.get(artifact)[:5] for artifact in (file.png, file.svg, file.pdf)]
    assert starts == [b"\x89PNG\r", b"<?xml", b"%PDF-"]


def test_a_family_has_a_picture_where_a_hit_has_a_position(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    ((name, title, _, figure),) = family_pictures(small_homology(store), store)
    assert (name, title) == ("family_CHS", "Domains, CHS")
    assert len(figure.axes[0].patches) == 15
