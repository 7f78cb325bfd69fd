"""How numbers are written, everywhere alike: in verdicts, in the report and on the terminal."""

from __future__ import annotations

import math
from typing import Literal

from radassay.evidence.finding import Finding

Kind = Literal["auc", "difference", "share", "count", "plain"]

BY_ENCODER = "encoder="
"""How the slice begins that holds what a second encoder sees."""
LABELS = {
    "kid": "KID",
    "swd_fine": "Wasserstein distance of fine detail",
    "swd_middle": "Wasserstein distance of middle detail",
    "swd_coarse": "Wasserstein distance of coarse structure",
    "intensity_distance": "Wasserstein distance of grey values",
    "auc_two_sample": "AUC of telling synthetic from real",
    "two_sample_p": "p-value of telling synthetic from real",
    "vendi_ratio": "Vendi score relative to real images",
    "within_class_distance_ratio": "Distance within a label relative to real images",
    "implausible_share": "Implausible synthetic films",
    "implausible_share_real": "Implausible held-out real films",
    "implausible_excess": "Implausible films beyond those among real ones",
    "ctr_difference": "Difference of cardiothoracic ratios",
    "mirrored_share": "Mirrored synthetic films",
    "kid_training": "KID to the training images",
    "frechet": "Fréchet distance",
    "frechet_training": "Fréchet distance to the training images",
    "frechet_radiomic": "Fréchet radiomic distance",
    "share_of_features_different": "Radiomic features that differ",
    "feature_difference": "Cliff's delta of a radiomic feature",
    "label_accuracy": "Label agreement of held-out real images",
    "probe_auc": "AUC of the label from the encoder's features",
    "thumbnail_auc": "AUC of the label from a 32 x 32 thumbnail",
    "probe_gain": "Encoder's features against a thumbnail",
    "kid_seen": "KID of training to held-out real images",
    "auc_border": "AUC from the border alone",
    "auc_lungs_out": "AUC with the lungs blacked out",
    "auc_shape": "AUC from the shape of the picture file",
    "auc_histogram": "AUC from the grey-level histogram",
    "auc_file": "AUC from the file's form and size",
    "auc_full": "AUC from the whole image",
    "auc_null": "AUC with shuffled labels",
    "auc_real": "Real images only",
    "auc_real_classical": "Real + classical augmentation",
    "auc_real_duplicates": "Real + as many duplicates",
    "auc_real_synthetic": "Real + synthetic",
    "auc_synthetic_only": "Synthetic only",
    "gain_over_real": "Gain over real images only",
    "gain_over_classical": "Gain over classical augmentation",
    "gain_over_best_classical": "Gain over the better of real and classical, by validation images",
    "gain_over_duplicates": "Gain over duplicates",
    "change_of_shuffled_labels": "Synthetic images with shuffled labels, against the best control",
    "gain_of_held_out_patients": "Held-out real patients, against the best control",
    "gain_external": "Gain over the best control in another hospital",
    "worst_subgroup_gain": "Gain in the part of the patients that gains least",
    "subgroup_gain": "Gain over the best control in a part of the patients",
    "gain_over_controls": "Gain over the best control",
    "detectable_gain": "Smallest gain this trial could have seen",
    "auc_aspect": "AUC from the picture's proportions",
    "auc_site": "AUC from the hospital alone",
    "auc_site_negatives": "AUC of the hospital among images without the disease",
    "association_site_label": "Association of hospital and label",
    "change_real_classical": "Classical augmentation against real only",
    "change_real_duplicates": "Duplicates against real only",
    "change_synthetic_only": "Synthetic only against real only",
    "synthetic_per_real": "Synthetic images per real image",
    "shared_patients": "Patients on both sides of the split",
    "shared_images": "Radiographs on both sides of the split",
    "shared_with_others": "Radiographs shared with other sets",
    "repeated_images": "Radiographs there twice on one side",
    "false_matches": "False matches, from mirrored films",
    "repeated": "Pairs of the same radiograph within the set",
    "shared": "Pairs of the same radiograph in both sets",
    "across_splits": "Pairs of the same radiograph across the split",
    "patients_across_splits": "Patients on both sides of the split",
    "contradicting_labels": "Pairs of the same radiograph with contradicting labels",
    "two_patients": "Pairs of the same radiograph given to two patients",
    "same_patient_apart": "Pairs of one patient that are different radiographs",
    "groups": "Radiographs that are there more than once",
    "largest_group": "Images of the most repeated radiograph",
    "planted_found": "Planted copies found",
    "false_matches_expected": "False matches to be expected among all pairs",
    "copy_share": "Share of copies",
    "copy_excess_p": "Probability of so many near-copies by chance",
    "nearest_ratio": "Nearest distance, synthetic to held-out",
    "verified_copies": "Copies verified by geometry",
    "membership_auc": "AUC of telling training from other patients",
    "membership_tpr_at_1_fpr": "Training patients told at 1 % false alarms",
    "reidentification_excess": "Images leading to one patient, beyond chance",
    "likelihood_gap": "Likelihood gap, training to held-out",
    "n_no_radiograph": "Pictures that show no radiograph of a chest",
    "mixed_kinds": "Pictures of another kind than most",
    "share_other_modality": "CT among films, or films among CT",
    "share_other_view": "Another view than most",
    "share_negative": "Negatives",
    "share_turned": "Turned or upside down",
    "share_panels": "Screenshots or several pictures in one",
    "share_doubtful": "Perhaps no radiograph",
    "share_tint": "Tinted pictures",
    "share_enlarged": "Blown up from thumbnails",
    "share_coloured_marks": "Coloured marks",
    "share_text": "Burned-in text",
    "share_marker": "Side markers and signs",
    "share_border": "Flat borders",
    "share_blocking": "JPEG blocks",
    "share_unlike": "Unlike the rest of the set",
    "share_grey_as_colour": "Grey stored in three channels",
    "contradicted": "Pictures that contradict their metadata",
    "auc_oddities": "AUC of the label from oddities alone",
    "found_no_radiograph": "Planted notices and scenes found",
    "found_negative": "Planted negatives found",
    "found_turned": "Planted turns found",
    "found_panels": "Planted screenshots found",
    "found_tint": "Planted tints found",
    "found_enlarged": "Planted thumbnails found",
    "found_coloured_marks": "Planted coloured marks found",
    "found_text": "Planted text found",
    "found_marker": "Planted markers found",
    "found_border": "Planted borders found",
    "found_blocking": "Planted JPEG blocks found",
    "found_other_modality": "Simulated chests of the other modality found",
    "found_other_view": "Simulated chests of another view found",
    "auc_source_prior": "AUC from the source alone",
    "auc_source_negatives": "AUC of naming the source without the disease",
    "auc_source_negatives_border": "AUC of naming the source from the border",
    "auc_source_negatives_lungs": "AUC of naming the source from the lungs",
    "auc_source_by_disease_score": "AUC of the source by the disease score",
    "auc_pooled": "AUC, all sources together",
    "auc_within_source": "AUC within each source",
    "within_source_difference": "Fall when both classes come from one source",
    "auc_seen": "AUC in sources seen in training",
    "auc_unseen": "AUC in sources never seen",
    "auc_unseen_worst": "AUC in the worst source never seen",
    "unseen_source_difference": "Fall in a source never seen",
    "auc_seen_lungs": "AUC from the lungs in sources seen in training",
    "auc_unseen_lungs": "AUC from the lungs in sources never seen",
    "unseen_source_difference_lungs": "Fall in a source never seen, from the lungs",
    "auc_seen_deep": "AUC in sources seen, by a network",
    "auc_unseen_deep": "AUC in sources never seen, by a network",
    "auc_corners": "AUC from the corners",
    "auc_centre_out": "AUC with a central square blacked out",
    "auc_outlined_lungs_out": "AUC with the outlined lungs blacked out",
    "auc_dilated_lungs_out": "AUC with the lungs and their edges blacked out",
    "auc_elsewhere_out": "AUC with as much blacked out elsewhere",
    "auc_lungs_only": "AUC from the lungs only",
    "auc_outlines_alone": "AUC from the lungs' outline alone",
    "lungs_out_difference": "Fall without the lungs",
    "attribution_outside_difference": "Attribution outside the lungs, beyond chance",
    "border_erased_difference": "Fall with the border erased",
    "corners_erased_difference": "Fall with the corners erased",
    "marker_pasted_difference": "Fall with a marker pasted in",
    "text_box_pasted_difference": "Fall with a text box pasted in",
    "mirrored_difference": "Fall with pictures mirrored",
    "marker_pasted_flips": "Calls changed by a pasted marker",
    "text_box_pasted_flips": "Calls changed by a pasted text box",
    "mirrored_flips": "Calls changed by mirroring",
    "border_erased_flips": "Calls changed by erasing the border",
    "corners_erased_flips": "Calls changed by erasing the corners",
    "auc_full_deep": "AUC from the whole image, by a network",
    "auc_border_deep": "AUC from the border alone, by a network",
    "auc_lungs_out_deep": "AUC with the lungs blacked out, by a network",
    "auc_file_facts": "AUC from all facts of the file",
    "auc_file_type": "AUC from file type, bits and channels",
    "auc_colour": "AUC from colour",
    "auc_blurred": "AUC from 4 x 4 blurred means",
    "auc_fine_detail": "AUC from grain and fine detail",
    "auc_patches_shuffled": "AUC with the patches shuffled",
    "auc_patches_outside": "AUC with patches outside the lungs shuffled",
    "auc_patches_shuffled_deep": "AUC with the patches shuffled, by a network",
    "auc_intact": "AUC with the patches in place",
    "auc_expected_elsewhere": "AUC expected in another hospital",
    "auc_labels_shuffled": "AUC with shuffled labels (control)",
    "auc_noise_pictures": "AUC of pure noise (control)",
    "auc_constant_pictures": "AUC of constant pictures (control)",
    "n_synthetic": "Synthetic images",
    "seen_elsewhere": "What the generator had seen before it came here",
    "association_source": "Class and image set (Cramér's V)",
    "association_site": "Class and hospital or place (Cramér's V)",
    "association_age": "Class and age band (Cramér's V)",
    "association_sex": "Class and sex (Cramér's V)",
    "association_view": "Class and view (Cramér's V)",
    "association_modality": "Class and modality (Cramér's V)",
    "association_format": "Class and file type (Cramér's V)",
    "association_size": "Class and size in pixels (Cramér's V)",
    "association_shape": "Class and proportions of the picture (Cramér's V)",
    "association_bits": "Class and bit depth (Cramér's V)",
    "association_channels": "Class and colour channels (Cramér's V)",
    "association_naming": "Class and pattern of file names (Cramér's V)",
    "unknown_site": "Class and hospital being unknown (Cramér's V)",
    "unknown_age": "Class and age being unknown (Cramér's V)",
    "unknown_sex": "Class and sex being unknown (Cramér's V)",
    "unknown_view": "Class and view being unknown (Cramér's V)",
    "unknown_modality": "Class and modality being unknown (Cramér's V)",
    "paediatric_difference": "Share of children with the label minus without",
    "auc_thumbnail": "AUC from thumbnails before matching",
    "auc_matched": "AUC from thumbnails matched on age, sex and view",
    "change_matched": "Change of the AUC by matching on age, sex and view",
    "auc_thumbnail_place": "AUC from thumbnails before matching by place",
    "auc_matched_place": "AUC from thumbnails matched by hospital or set",
    "change_matched_place": "Change of the AUC by matching on hospital or set",
    "unknown_questions": "Questions about the set that nobody can answer",
    "unknown_essentials": "Essentials that nobody knows",
    "detectability_kept": "Information on lesions kept",
    "detectability_kept_nearest": "Information on lesions kept when single pixels are picked",
    "contrast_kept": "Contrast of lesions kept",
    "lesions_lost": "Lesions no longer visible",
    "smallest_lesion": "Narrowest lesion that keeps 95 % of its information",
    "smallest_size": "Smallest size that keeps 95 % of the information",
    "information_lost": "Information on lesions lost at the training size",
    "distance_in_margins": "Distance of the AUC from guessing in margins",
}
"""Names of measures as a reader should see them; others are spelt out from their name."""

FOUND_WITH = "found with"
"""How the part of a limit's reason begins that tells at how many images it was found."""

SYMBOLS = {
    "kid": "KID",
    "frechet": "Fréchet distance",
    "feature_difference": "Cliff's delta",
    "change_matched": "change of the AUC",
    "change_matched_place": "change of the AUC",
}


def label(name: str) -> str:
    """Return a measure's name in words."""
    if name in LABELS:
        return LABELS[name]
    words = name.replace("_", " ").strip()
    if words.startswith("auc "):
        return "AUC " + words.removeprefix("auc ")
    return ("number of " + words.removeprefix("n ") if words.startswith("n ") else words).capitalize()


def symbol(name: str) -> str:
    """Return the short name put before a number in a sentence, such as `AUC`."""
    if name.startswith("auc") or name.endswith("_auc"):
        return "AUC"
    if label(name).endswith("(Cramér's V)"):
        return "Cramér's V"
    words = label(name)
    named = words[:2].isupper() or words.startswith(("Fréchet", "Vendi", "Wasserstein"))
    return SYMBOLS.get(name) or (words if named else words[:1].lower() + words[1:])


def kind(finding: Finding) -> Kind:
    """Return how the finding's numbers are written."""
    name, unit = finding.name, finding.unit.lower()
    if name.startswith("auc"):
        return "auc"
    if "gain" in name or name.startswith("change_") or name.endswith("difference"):
        return "difference"
    if "share" in unit.split() or unit == "fraction" or name.endswith("_share"):
        return "share"
    if name.startswith("n_") or unit in ("images", "patients", "pairs", "files", "count", "radiographs", "questions"):
        return "count"
    return "plain"


def number(value: float, how: Kind = "plain") -> str:
    """Return a number as text: AUC to 3 decimals, shares as per cent, others to 3 significant digits."""
    value = float(value) or 0.0  # no minus zero
    if how == "count" and value.is_integer():
        return f"{value:,.0f}".replace("-", "−")
    if how == "auc":
        text = f"{value:.3f}"
    elif how == "difference":
        text = f"{value:+.3f}" if value else "0"
    elif how == "share":
        text = f"{100 * value:.1f} %" if value == 0 or abs(value) >= 0.0005 else f"{100 * value:.1g} %"
    elif value == 0:
        text = "0"
    else:
        digits = 2 - math.floor(math.log10(abs(value)))
        text = f"{value:.{digits}f}" if 0 <= digits <= 6 else f"{value:.3g}"
    return text.replace("-", "−")


def interval(finding: Finding) -> str:
    """Return the interval such as `0.921–0.958`, or an empty string."""
    if finding.low is None or finding.high is None:
        return ""
    how = kind(finding)
    low, high = number(finding.low, how), number(finding.high, how)
    if how == "share":
        low = low.removesuffix(" %")
    return f"{low} to {high}" if how == "difference" or finding.low < 0 else f"{low}–{high}"


def with_interval(finding: Finding) -> str:
    """Return value and interval such as `AUC 0.941, 95 % interval 0.921–0.958`."""
    if finding.value is None:
        return finding.reason
    text = f"{symbol(finding.name)} {number(finding.value, kind(finding))}"
    span = interval(finding)
    return f"{text}, {100 * finding.level:.3g} % interval {span}" if span else text


def dose(value: float, unit: str = "") -> str:
    """Return a dose with its unit: shares as per cent, others as they are."""
    if unit.startswith("share"):
        of = unit.removeprefix("share").strip()
        return f"{100 * value:.3g} % {of}".strip()
    return f"{value:.3g} {unit.split(' (')[0]}".strip()


def control(name: str) -> str:
    """Return a defect's name in words, such as `corner marker in real images`."""
    words = name.replace("-", " ").replace("_", " ")
    return words.removesuffix(" real") + " in real images" if words.endswith(" real") else words


def sentence(text: str) -> str:
    """Return the text with a capital first letter and one full stop."""
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}." if text else ""
