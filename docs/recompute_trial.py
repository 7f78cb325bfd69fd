"""Recompute every area and gain of a trial from its predictions, with pandas and scikit-learn alone.

python docs/recompute_trial.py RUN/tables/predictions.parquet [RESAMPLES] [FOLD, "external NAME"] [COLUMN VALUE, sex F]
"""

import sys

import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.utils import check_random_state, resample

CONTROLS = ["real", "real+classical", "real+duplicates", "real+reweighting"]
AGAINST = {"real+shuffled": "change_of_shuffled_labels", "real+held-out": "gain_of_held_out_patients"}


def findings(area):
    """Return all areas and gains by name, doses after an @, from the mean area of each arm."""
    best, found = area[area.index.isin(CONTROLS)].max(), {}
    for arm, value in area.items():
        slug = pd.Series(arm).str.replace(r"[^0-9a-z]+", "_", regex=True)[0] + "_only" * (arm == "synthetic")
        mixed = arm.removeprefix("real+synthetic").replace(" x", "@")
        name = "gain_over_controls" + mixed if mixed != arm else AGAINST.get(arm, "change_" + slug)
        found |= {"auc_" + slug: value, name: value - (area["real"] if name == "change_" + slug else best)}
        found |= {"gain_over_" + arm.split("+")[-1]: area["real+synthetic"] - value} if arm in CONTROLS else {}
    return pd.Series(found).drop("change_real")


def main(path, resamples=200, fold="test", column=None, part=None):
    """Return value and limits of every finding, and the average precision of each arm."""
    rows = pd.read_parquet(path).groupby("arm").filter(lambda arm: arm["score"].notna().all())
    rows = rows[(rows["fold"] == fold) & ~rows["arm"].str.contains(" n=") & (rows[column or "fold"] == (part or fold))]
    wide = rows.pivot(index=["patient", "image", "label"], columns=["seed", "arm"], values="score").reset_index()
    label, patient, scores = wide["label"], wide["patient"], wide.drop(columns=["patient", "image", "label"], level=0)
    kinds = label.groupby(patient).agg(["min", "max"]).groupby(["min", "max"]).groups.values()

    def mean(measure, weight, seeds):
        return scores.apply(lambda score: measure(label, score, sample_weight=weight)).unstack().loc[seeds].mean()

    seeds, draw, drawn = sorted(rows["seed"].unique()), check_random_state(0), []
    for _ in range(resamples):
        people = pd.concat([pd.Series(resample(list(k), random_state=draw)) for k in kinds]).value_counts()
        chosen = resample(seeds, n_samples=max(len(seeds) - 1, 1), random_state=draw)
        drawn.append(findings(mean(roc_auc_score, patient.map(people).fillna(0), chosen)))
    limits = {name: pd.DataFrame(drawn).quantile(q) for name, q in (("low", 0.025), ("high", 0.975))}
    precision = mean(average_precision_score, None, seeds).add_prefix("auprc of ")
    return pd.DataFrame({"value": pd.concat([findings(mean(roc_auc_score, None, seeds)), precision]), **limits})


if __name__ == "__main__":
    print(main(sys.argv[1], *map(int, sys.argv[2:3]), *sys.argv[3:]).to_string(float_format="%.4f"))
