"""Recompute probabilities and decisions of a trial from its predictions, with pandas and scikit-learn alone.

python docs/recompute_endpoints.py RUN/tables/predictions.parquet [SPECIFICITY 0.9] [ACT_AT 0.2]     (as in the plan)
"""

import math
import sys

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, recall_score

ARMS = ["real", "real+classical", "real+synthetic", "synthetic"]


def odds(p, sure, shift=0.0):
    """Return log odds of probabilities, one column."""
    return p.clip(sure, 1 - sure).map(lambda q: math.log(q / (1 - q)) + shift).to_frame("x")


def endpoints(known, asked, specificity, act_at):
    """Return every endpoint of one training: fixed on the validation images `known`, measured on `asked`."""
    curve, slope = (LogisticRegression(C=1e12, solver="newton-cholesky", tol=1e-12, max_iter=500) for _ in range(2))
    yes, no = known["label"].sum(), (~known["label"]).sum()
    target = known["label"].map({True: (yes + 1) / (yes + 2), False: 1 / (no + 2)})  # Platt's, as two weighted images
    x, both = odds(known["score"], 1e-12), [True] * len(known) + [False] * len(known)
    curve.fit(pd.concat([x, x]), both, pd.concat([target, 1 - target]))
    p = pd.Series(curve.predict_proba(odds(asked["score"], 1e-12))[:, 1], asked.index)
    label, called, low, high = asked["label"], p >= act_at, -40.0, 40.0
    limit = known.loc[~known["label"], "score"].sort_values().iloc[math.ceil(round(specificity * no, 9)) - 1]
    for _ in range(80):  # the shift of all log odds with which as many are expected as there are
        shift = (low + high) / 2
        many = odds(p, 1e-9, shift)["x"].map(lambda z: 1 / (1 + math.exp(-z))).sum() > label.sum()
        low, high = (low, shift) if many else (shift, high)
    found = {"brier": brier_score_loss(label, p), "sensitivity": recall_score(label, asked["score"] > limit)}
    found["net_benefit"] = (label[called].sum() - (~label[called]).sum() * act_at / (1 - act_at)) / len(label)
    found["calibration_slope"] = slope.fit(odds(p, 1e-9), label).coef_[0, 0]
    return pd.Series(found | {"calibration_intercept": shift, "auprc": average_precision_score(label, asked["score"])})


def main(path, specificity=0.9, act_at=0.2):
    """Return every endpoint of every arm, the mean over its trainings."""
    rows = pd.read_parquet(path).query("arm in @ARMS").astype({"label": bool})
    fold = {one: dict(list(part.groupby("fold"))) for one, part in rows.groupby(["arm", "seed"])}
    found = {one: endpoints(f["validation"], f["test"], float(specificity), float(act_at)) for one, f in fold.items()}
    return pd.DataFrame(found).T.groupby(level=0).mean()


if __name__ == "__main__":
    print(main(*sys.argv[1:4]).to_string(float_format="%.4f"))
