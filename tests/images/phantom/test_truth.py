"""What can be learned from the pictures is what was put in: disease in the lungs, hospital at the border."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from radassay.images.phantom import Cohort, make_phantoms

RING = np.ones((32, 32), dtype=bool)
RING[4:-4, 4:-4] = False


def auc(pixels: np.ndarray, ill: np.ndarray, where: np.ndarray) -> float:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.003, max_iter=500))
    return float(roc_auc_score(ill, cross_val_predict(model, pixels[:, where], ill, cv=5, method="decision_function")))


def thumbnails(tmp_path, patients: int, tie: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    cohort = Cohort(patients=patients, images_per_patient=1, size=32, tie=tie, seed=seed)
    images = make_phantoms(tmp_path / f"{tie}", cohort)
    return images.load(32), (images.table["label"] == "disease").to_numpy()


def test_tied_hospitals_can_be_read_from_the_border(tmp_path) -> None:
    pixels, ill = thumbnails(tmp_path, 60, 1.0, 1)
    assert auc(pixels, ill, RING) > 0.9


def test_untied_disease_shows_in_the_lungs_and_not_at_the_border(tmp_path) -> None:
    pixels, ill = thumbnails(tmp_path, 200, 0.0, 1)
    assert auc(pixels, ill, ~RING) > 0.65
    assert 0.36 < auc(pixels, ill, RING) < 0.64


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_untied_disease_at_a_thousand_patients(tmp_path, seed) -> None:
    pixels, ill = thumbnails(tmp_path, 1000, 0.0, seed)
    assert 0.75 < auc(pixels, ill, ~RING) < 0.95
    assert 0.45 < auc(pixels, ill, RING) < 0.55
