"""Recompute every area and gain of a trial from its predictions, with pandas and scikit-learn alone.

python docs/recompute_trial.py RUN/tables/predictions.parquet [RESAMPLES] [FOLD, "external NAME"] [COLUMN VALUE, sex F]
"""

import sys

import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.utils import check_random_state, resample

CONTROLS = ["real", "real+classical", "real+duplicates", "real+reweighting"]
AGAINST = {"real+shuffled": "change_of_shuffled_labels", "real+held-out": "gain_of_held_out_patients"}


def findings(area, chosen):
    """Return all areas and gains by name, doses after an @, from the mean area of each arm; `chosen` on validation."""
    best, found = area[area.index.isin(CONTROLS)].max(), {}
    for arm, value in area.items():
        slug = pd.Series(arm).str.replace(r"[^0-9a-z]+", "_", regex=True)[0] + "_only" * (arm == "synthetic")
        mixed = arm.removeprefix("real+synthetic").replace(" x", "@")
        name = "gain_over_controls" + mixed if mixed != arm else AGAINST.get(arm, "change_" + slug)
        found |= {"auc_" + slug: value, name: value - (area["real"] if name == "change_" + slug else best)}
        found |= {"gain_over_" + arm.split("+")[-1]: area["real+synthetic"] - value} if arm in CONTROLS else {}
    return pd.Series(found | {"gain_over_best_classical": area["real+synthetic"] - area[chosen]}).drop("change_real")


def main(path, resamples=200, fold="test", column=None, part=None):
    """Return value and limits of every finding."""
    rows = pd.read_parquet(path).groupby("arm").filter(lambda arm: arm["score"].notna().all())
    seen = rows[rows["fold"] == "validation"].groupby(["arm", "seed"])[["label", "score"]]
    chosen = seen.apply(lambda s: roc_auc_score(s["label"], s["score"])).groupby("arm").mean()[CONTROLS[1::-1]].idxmax()
    rows = rows[(rows["fold"] == fold) & ~rows["arm"].str.contains(" n=") & (rows[column or "fold"] == (part or fold))]
    wide = rows.pivot(index=["patient", "image", "label"], columns=["seed", "arm"], values="score").reset_index()
    label, patient, seeds = wide["label"], wide["patient"], sorted(rows["seed"].unique())
    kinds = label.groupby(patient).agg(["min", "max"]).groupby(["min", "max"]).groups.values()

    def mean(weight, some):
        return wide[seeds].apply(lambda s: roc_auc_score(label, s, sample_weight=weight)).unstack().loc[some].mean()

    table, draw = {"value": findings(mean(None, seeds), chosen)}, check_random_state(0)
    for turn in range(resamples):
        people = pd.concat([pd.Series(resample(list(k), random_state=draw)) for k in kinds]).value_counts()
        table[turn] = findings(mean(patient.map(people).fillna(0), draw.choice(seeds, max(len(seeds) - 1, 1))), chosen)
    table = pd.DataFrame(table)
    return table[["value"]].assign(low=table.iloc[:, 1:].quantile(0.025, 1), high=table.iloc[:, 1:].quantile(0.975, 1))


if __name__ == "__main__":
    print(main(sys.argv[1], *map(int, sys.argv[2:3]), *sys.argv[3:]).to_string(float_format="%.4f"))
