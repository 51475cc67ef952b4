"""Small inputs for tests of tasks."""

import numpy as np
import pytest

from models.layer import Layer
from tests.tasks.small_study import SmallStudy


@pytest.fixture
def layer() -> Layer:
    """Return a layer whose ids are as odd as real ones."""
    values = np.array([[1.5, np.nan, 3.0], [0.0, -2.0, 7.25]], dtype=np.float32)
    return Layer("transcriptome", values, ("β-gal, {old}", "MARCH1"), ("s 1", "s,2", "S3"))


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory) -> SmallStudy:
    """Return a study whose tables are made once."""
    return SmallStudy(tmp_path_factory.mktemp("small"))
