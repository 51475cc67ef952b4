import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from models.ridge import PENALTIES, LinearMap, left_out_errors


def _data(n_outputs: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(15, 30)) / 30**0.5
    outputs = inputs[:, :4] @ rng.normal(size=(4, n_outputs)) + 0.3 * rng.normal(size=(15, n_outputs)) + 5
    return inputs, outputs, [f"g{number // 3}" for number in range(15)]


@pytest.mark.parametrize("n_outputs", [1, 6])
def test_left_out_errors_are_those_of_fitting_anew(n_outputs: int) -> None:
    inputs, outputs, groups = _data(n_outputs)
    cv = LeaveOneGroupOut()
    anew = [
        cross_val_predict(Ridge(alpha=penalty), inputs, outputs, groups=groups, cv=cv).reshape(15, -1)
        for penalty in PENALTIES
    ]
    errors = [np.square(predicted - outputs).sum() for predicted in anew]
    np.testing.assert_allclose(left_out_errors(inputs, outputs, groups), errors, rtol=1e-6)


@pytest.mark.parametrize("n_outputs", [1, 6])
def test_the_fit_is_that_of_scikit_learn(n_outputs: int) -> None:
    inputs, outputs, groups = _data(n_outputs)
    splits = list(LeaveOneGroupOut().split(inputs, groups=groups))
    model = RidgeCV(PENALTIES, cv=splits, scoring="neg_mean_squared_error").fit(inputs, outputs)
    fitted = LinearMap.fit(inputs, outputs, groups)
    assert fitted.weights.shape == (n_outputs, 30)
    np.testing.assert_allclose(fitted.predict(inputs), model.predict(inputs).reshape(15, -1), rtol=1e-9)


def test_a_single_group_is_left_out_sample_by_sample() -> None:
    inputs, outputs, _ = _data(2)
    alone = left_out_errors(inputs, outputs, ["g"] * 15)
    np.testing.assert_allclose(alone, left_out_errors(inputs, outputs, [str(number) for number in range(15)]))
