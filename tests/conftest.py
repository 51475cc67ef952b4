"""Fixtures that every test may use."""

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data sets, or skip where it is absent."""
    if not DATA.is_dir():
        pytest.skip("the folder of real data sets is not beside the project")
    return DATA
