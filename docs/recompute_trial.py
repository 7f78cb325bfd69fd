"""Recompute every area and gain of a trial from its predictions, with pandas and scikit-learn alone.

python docs/recompute_trial.py RUN/tables/predictions.parquet [RESAMPLES of patients, within classes, and of seeds]
"""

import sys

import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.utils import check_random_state, resample

GAINS = {
    "gain_over_real": ("real+synthetic", "real"),
    "gain_over_classical": ("real+synthetic", "real+classical"),
    "gain_over_duplicates": ("real+synthetic", "real+duplicates"),
    "gain_on_top_of_classical": ("real+synthetic+classical", "real+classical"),
    **{f"change_real_{name}": (f"real+{name}", "real") for name in ("classical", "duplicates")},
    "change_synthetic_only": ("synthetic", "real"),
}


def findings(arms):
    """Return all findings from the mean area of each arm."""
    found = {"auc_" + a.replace("+", "_") + "_only" * (a == "synthetic"): area for a, area in arms.items()}
    found |= {name: arms[a] - arms[b] for name, (a, b) in GAINS.items() if a in arms and b in arms}
    gains = [found[name] for name in list(GAINS)[:3] if name in found]
    return pd.Series(found | ({"gain_over_controls": min(gains)} if gains else {}))


def main(path, resamples=500):
    """Return value and limits of every finding."""
    rows = pd.read_parquet(path).groupby("arm").filter(lambda arm: arm["score"].notna().all())
    wide = rows.pivot(index=["patient", "image", "label"], columns=["seed", "arm"], values="score").reset_index()
    label, patient, scores = wide["label"], wide["patient"], wide.drop(columns=["patient", "image", "label"], level=0)

    def areas(weight):
        return scores.apply(lambda score: roc_auc_score(label, score, sample_weight=weight)).unstack()

    kinds = label.groupby(patient).agg(["min", "max"]).groupby(["min", "max"]).groups.values()
    value, draw, drawn = areas(None), check_random_state(0), []
    for _ in range(resamples):
        people = pd.concat([pd.Series(resample(list(k), random_state=draw)) for k in kinds]).value_counts()
        seeds = resample(list(value.index), n_samples=max(len(value) - 1, 1), random_state=draw)
        drawn.append(findings(areas(patient.map(people).fillna(0)).loc[seeds].mean()))
    limits = {name: pd.DataFrame(drawn).quantile(q) for name, q in (("low", 0.025), ("high", 0.975))}
    return pd.DataFrame({"value": findings(value.mean()), **limits})


if __name__ == "__main__":
    print(main(sys.argv[1], *map(int, sys.argv[2:])).to_string(float_format="%.4f"))
