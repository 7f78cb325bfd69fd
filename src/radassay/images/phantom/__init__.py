"""Simulated chests with known truth: X-rays and CT slices of one parametric anatomy, in two hospitals."""

from radassay.images.phantom.cohort import LABELS, Cohort, Masks, Patient, Picture
from radassay.images.phantom.folder import make_phantoms
from radassay.images.phantom.hospital import HOSPITALS, Hospital

__all__ = ["HOSPITALS", "LABELS", "Cohort", "Hospital", "Masks", "Patient", "Picture", "make_phantoms"]
