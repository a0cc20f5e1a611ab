"""Stacks: a logistic regression of the predictions of several models, as one more layer."""

from typing import Any, NamedTuple

import numpy as np

from fashion_zoo.ensembles.values import Combination, Members
from fashion_zoo.errors import DataError

FOLDS = 5
_ITERATIONS = 10_000


class Layer(NamedTuple):
    """A dense layer from the log-probabilities of all members to logits."""

    kernel: np.ndarray
    """(members * classes, classes) float64."""
    bias: np.ndarray
    """(classes,) float64."""


def make_stack(members: Members, c: float) -> Combination:
    """Fit a logistic regression on the validation images, as a layer of the members' outputs.

    Raises:
        DataError: if a class has fewer validation images than there are folds.
    """
    from scipy.special import log_softmax
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    _check_counts(members)
    features, labels = features_of(members.log_probabilities), members.labels
    regression = regression_of(c)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    method = "decision_function"
    with threadpool_limits(1):  # products of so few features are slower with more threads
        held_out = cross_val_predict(regression, features, labels, cv=folds, method=method)
        layer = layer_of(regression.fit(features, labels))

    def build():
        from fashion_zoo.ensembles.building import stacked_model

        models = [members.load(place) for place in range(len(members.names))]
        return stacked_model(models, layer.kernel, layer.bias)

    return Combination(log_softmax(_each_class(held_out), axis=1), build)


def features_of(log_probabilities: np.ndarray) -> np.ndarray:
    """Return (images, members * classes), those of a member together."""
    return np.concatenate(list(log_probabilities), axis=1)


def regression_of(c: float) -> Any:
    """Return scikit-learn's regression, of features whose variances are made equal."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=_ITERATIONS))


def layer_of(regression: Any) -> Layer:
    """Return a fitted regression as a layer, into which the scaling of the features is folded."""
    scaler, fitted = regression[0], regression[-1]
    kernel, bias = fitted.coef_ / scaler.scale_, fitted.intercept_
    bias = bias - kernel @ scaler.mean_
    if len(kernel) == 1:  # of two classes scikit-learn has the difference of the logits
        kernel, bias = np.concatenate([0 * kernel, kernel]), np.concatenate([0 * bias, bias])
    return Layer(kernel.T, bias)


def _each_class(decision: np.ndarray) -> np.ndarray:
    """Return (images, classes) logits of what scikit-learn calls a decision function."""
    if decision.ndim > 1:
        return decision
    return np.stack([np.zeros_like(decision), decision], axis=1)


def _check_counts(members: Members) -> None:
    classes = members.log_probabilities.shape[-1]
    fewest = int(np.bincount(members.labels, minlength=classes).min())
    if fewest < FOLDS:
        raise DataError(
            f"A stack needs at least {FOLDS} validation images of each class, and a class has "
            f"{fewest}. Hold out more, or use another method, such as average."
        )
