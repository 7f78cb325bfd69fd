"""Recompute the exchange rate of a trial from its predictions, with pandas and scikit-learn alone.

python docs/recompute_exchange.py RUN/tables/predictions.parquet PATIENTS [ARM, real+synthetic] [CURVE, real+classical]
PATIENTS are those of the arm in training, `base` of the finding; CURVE is the arm without synthetic images.
"""

import sys

import pandas as pd
from sklearn.linear_model import LinearRegression


def contributions(wide, label, patient):
    """Return the area of each training and what each patient adds to or takes from it (Obuchowski 1997)."""
    ranks, parts, areas = wide.rank(), 0, None
    for rows, sign in ((label, 1), (~label, -1)):
        placed = (1 - sign) / 2 + sign * (ranks[rows] - wide[rows].rank()) / (~rows).sum()
        areas, clusters = placed.mean(), patient[rows].nunique()
        spread = (placed - areas) * (clusters / (clusters - 1)) ** 0.5 / rows.sum()
        parts = spread.groupby(patient[rows]).sum().add(parts, fill_value=0)
    return areas, parts


def summary(wide, label, patient):
    """Return the mean area over trainings and its variance over patients and trainings."""
    areas, parts = contributions(wide, label, patient)
    between = areas.var() - parts.sub(parts.mean(axis=1), axis=0).pow(2).sum().sum() / (len(areas) - 1)
    return areas.mean(), (parts.mean(axis=1) ** 2).sum() + max(between, 0) / len(areas)


def main(path, patients, arm="real+synthetic", curve="real+classical"):
    """Return real patients that the arm's images are worth, at the smallest and largest size if the arm is beyond."""
    rows, base = pd.read_parquet(path).query("fold == 'test'").astype({"label": bool}), int(patients)
    names = {int(name.split("=")[1]): name for name in rows["arm"].unique() if " n=" in name} | {base: curve}
    wide = rows.pivot(index=["image", "label", "patient"], columns=["arm", "seed"], values="score").reset_index()
    label, patient = wide["label"], wide["patient"]
    points = pd.DataFrame({n: summary(wide[names[n]], label, patient) for n in sorted(names)}, ["area", "variance"]).T
    here, sizes, low, high = summary(wide[arm], label, patient)[0], points.index.to_series(), 0.05, 3.0
    for _ in range(8):  # area = a - b size^-c; ever finer about the best c
        fits = {low * (high / low) ** (k / 40): LinearRegression() for k in range(41)}
        given = {c: ((sizes / sizes.max()).pow(-c).to_frame(), points["area"], 1 / points["variance"]) for c in fits}
        c, step = max(fits, key=lambda c: fits[c].fit(*given[c]).score(*given[c])), (high / low) ** (1 / 40)
        fit, low, high = fits[c], max(c / step, 0.05), min(c * step, 3.0)
    power = (here - fit.intercept_) / fit.coef_[0]
    size = sizes.max() * power ** (-1 / c) if power > 0 else float("inf")
    return min(max(size, sizes.min()), sizes.max()) - base


if __name__ == "__main__":
    print(f"{main(*sys.argv[1:5]):+.1f} real patients")
