"""How a probe's findings come out under the rules of the audit, and pictures in which nothing is tied to anything."""

from functools import cache

import numpy as np
from subjects import drawn

from radassay.checklists.audit import judge_audit
from radassay.checklists.rules import read_rules


@cache
def rules():
    return read_rules("audit")


def answered(probe, subject, seed=0):
    """The probe's answer, and its measurements by name (of the last part of the images that has it)."""
    answer = probe.measure(subject, np.random.default_rng(seed))
    return answer, {f.name: f for f in answer.findings if f.role == "measurement"}


def limits(answer):
    """The limits of detection by name."""
    return {f.name: f.value for f in answer.findings if f.role == "limit"}


def outcomes(answer):
    """The outcomes of the rules that are about this answer, by measure; of a measure with several the last."""
    by_id = {rule.id: rule.finding for rule in rules().rules}
    judged = judge_audit(answer.findings, rules()).outcomes
    return {by_id[o.rule].partition(".")[2]: o.outcome for o in judged if o.findings}


def smooth(n, seed=0, size=64):
    """Pictures, (n, size, size) uint8, with detail at every scale, no two alike."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    amplitude = 1 / np.maximum(frequency, 2 / size) ** 1.7
    fields = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(n, size, size))) * amplitude, s=(size, size))
    fields -= fields.mean(axis=(1, 2), keepdims=True)
    grey = 128 + 40 * fields / fields.std(axis=(1, 2), keepdims=True)
    return np.clip(grey, 0, 255).astype(np.uint8)


def plain(n=120, seed=0, paint=None, **columns):
    """A set of smooth pictures, half of them `ill`; `paint(row, ill, pixels)` may change each."""
    ill = np.arange(n) % 2 == 0
    pictures = smooth(n, seed)
    if paint is not None:
        pictures = [paint(row, bool(ill[row]), pictures[row].copy()) for row in range(n)]
    usual = {"label": np.where(ill, "ill", "well").tolist(), "patient": [f"p{i:04d}" for i in range(n)]}
    return drawn(pictures, "plain", **(usual | columns))
