"""`cairn share` on a finished run, and the names given back."""

import os
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.discover import Discovered

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]


def _said(*words: str | Path) -> str:
    """Run `cairn share`, which has to succeed; returns what it said, in one line."""
    with patch.dict(os.environ):
        done = CliRunner().invoke(app, ["share", *map(str, words)])
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def test_a_bundle_tells_no_name_and_the_key_gives_them_back(first: Discovered, tmp_path: Path) -> None:
    bundle, key, back = tmp_path / "bundle", tmp_path / "key.json", tmp_path / "back"
    said = _said(first.run_folder, "--out", bundle, "--key", key, "--no-pictures")
    assert "and none was found" in said
    assert str(key) in said.replace(" ", "")
    shared, ranking = (pd.read_csv(Path(place) / "ranking.csv") for place in (bundle, first.run_folder))
    assert not set(shared["gene_id"]) & set(ranking["gene_id"])
    assert f"Wrote {back}".replace(" ", "") in _said(bundle, "--restore", key, "--out", back).replace(" ", "")
    restored = pd.read_csv(back / "ranking.csv")
    pd.testing.assert_frame_equal(restored[["target", "rank", "gene_id"]], ranking[["target", "rank", "gene_id"]])
