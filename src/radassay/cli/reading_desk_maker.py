"""The process that a coordinator's desk starts to open image sets: it describes, checks or makes one study, and ends.

``python -m radassay.cli.reading_desk_maker``. The request is one JSON object on the standard input. Every line of the
standard output is one: news while it works, and last `result` or `refused`. The key of a study is in the memory of this
process alone, and in the folder that it writes; none of these lines holds anything of a single image.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from radassay.cli.reading_desk_form import REMEDY, about
from radassay.cli.reading_desk_sources import Source, source_of, sources
from radassay.cli.reading_planning import changed, opened, prepare, sets_of, side_of, write
from radassay.errors import RadassayError, SettingsError
from radassay.reading.plan import ReadingPlan, power_of

if TYPE_CHECKING:
    from radassay.evidence.finding import Finding
    from radassay.images.imageset import ImageSet

Say = Callable[[dict[str, Any]], None]
SHOWN = ("radassay.reading.plan", "radassay.reading.draw", "radassay.reading.modality")
"""Modules whose errors give settings and counts as what was got; elsewhere it may be the name of a file."""
SPEAKING = ("radassay.reading.", "radassay.cli.", "__main__")
"""Modules whose errors name no file of a set; what others say goes to the terminal alone."""


def main() -> int:
    """Answer one request; 1 if it failed without a refusal."""
    from radassay.engine.processes import one_thread

    one_thread()
    if hasattr(os, "nice"):
        os.nice(10)  # readers come first
    request = json.loads(sys.stdin.readline())
    work: dict[str, Callable[[dict[str, Any], Say], dict[str, Any]]] = {
        "describe": _describe,
        "check": _check,
        "make": _make,
    }
    try:
        _say({"result": work[request["do"]](request, _say)})
    except (RadassayError, ValidationError) as error:
        _say({"refused": refusal(error)})
    return 0


def _say(news: dict[str, Any]) -> None:
    print(json.dumps(news), flush=True)


def plan_of(settings: dict[str, Any]) -> tuple[ReadingPlan, bool]:
    """Return the plan that settings ask for, and whether leaks are remedied.

    Raises:
        SettingsError: a setting is unknown or out of range.
        ValidationError: a setting is of the wrong kind.
    """
    given = dict(settings)
    remedy = TypeAdapter(bool).validate_python(given.pop(REMEDY, False))
    unknown = set(given) - {field.name for field in fields(ReadingPlan)}
    if unknown:
        raise SettingsError("There is no such setting", got=", ".join(sorted(unknown)))
    return TypeAdapter(ReadingPlan).validate_python(given), remedy


def _describe(request: dict[str, Any], say: Say) -> dict[str, Any]:
    return {**about(), "sources": [source.tell() for source in sources(_folders(request))]}


def _check(request: dict[str, Any], say: Say) -> dict[str, Any]:
    from radassay.web import served

    say({"step": "Opening the image sets", "done": 0, "of": 3})
    plan, remedy = plan_of(request["settings"])
    real, synthetic, source = _arms(request)
    say({"cases": cases_of(plan, real, synthetic)})
    say({"step": f"Simulating {plan.runs} studies", "done": 1, "of": 3})
    classes = len(_labels(plan, real, synthetic))
    say({"power": [words(f) for f in power_of(plan, classes)], "pilot": plan.pilot, "readers": plan.readers})
    say({"step": "Drawing cases and testing their pixels for leaks", "done": 2, "of": 3})
    opened(real, source.path, plan)
    rounds: list[str] = []
    prepared = prepare(plan, real, synthetic, remedy=remedy, say=rounds.append)
    served.Study.model_validate(prepared.packed.study)
    plan = prepared.plan
    say({"step": "Done", "done": 3, "of": 3})
    return {
        "hash": plan.hash,
        "items": prepared.asked,
        "shown": side_of(plan) + changed(plan),
        "leaks": [leak_of(one, plan.leak_limit) for one in prepared.leaks],
        "tells": prepared.tells,
        "rounds": rounds,
        "limit": plan.leak_limit,
        "override": plan.override,
        "blind": not prepared.tells or bool(plan.override),
        "plan": asdict(plan),
    }


def _make(request: dict[str, Any], say: Say) -> dict[str, Any]:
    from radassay.web import served

    say({"step": "Drawing the cases again", "done": 0, "of": 2})
    plan, _ = plan_of(request["settings"])
    real, synthetic, source = _arms(request)
    opened(real, source.path, plan)
    rounds: list[str] = []
    prepared = prepare(plan, real, synthetic, remedy=False, say=rounds.append)
    say({"step": "Writing the study and its key", "done": 1, "of": 2})
    write(Path(request["folder"]), prepared, served)
    return {"hash": prepared.plan.hash}


def _folders(request: dict[str, Any]) -> list[Path]:
    return [Path(folder) for folder in request["folders"]]


def _arms(request: dict[str, Any]) -> tuple[ImageSet, ImageSet, Source]:
    """Return real images, synthetic images, and where the uses of the real ones are written down."""
    real = source_of(_folders(request), request["real"])
    if real.run:
        return (*sets_of(real.path, None), real)
    return (*sets_of(real.path, source_of(_folders(request), request.get("synthetic")).path), real)


def _labels(plan: ReadingPlan, real: ImageSet, synthetic: ImageSet) -> tuple[str, ...]:
    from radassay.reading.draw import common_labels, readable
    from radassay.reading.key import REAL, SYNTHETIC

    sets, _ = readable(real, synthetic, plan)
    return common_labels(sets[REAL], sets[SYNTHETIC], plan)


def cases_of(plan: ReadingPlan, real: ImageSet, synthetic: ImageSet) -> list[dict[str, Any]]:
    """Return for every class how many different images, or stacks, either arm has, and how many cases take of them."""
    from radassay.reading.draw import readable
    from radassay.reading.key import REAL, SYNTHETIC
    from radassay.reading.stacks import cut_of

    sets, _ = readable(real, synthetic, plan)
    labels, cut = _labels(plan, real, synthetic), cut_of(sets, plan)
    there: dict[str, Counter[str]] = {}
    for arm, images in sets.items():
        names, of = images.table["image"].to_numpy(dtype=str), images.table["label"].to_numpy(dtype=str)
        there[arm] = Counter({tuple(names[list(rows)]): of[rows[0]] for rows in cut.rows(images)}.values())
    rivals = plan.alternatives - 1 if "choice" in plan.questions else 1
    taken = {REAL: plan.cases * len(plan.questions), SYNTHETIC: plan.cases * (len(plan.questions) - 1 + rivals)}
    return [
        {"class": label} | {arm: {"there": there[arm][label], "taken": taken[arm]} for arm in sets} for label in labels
    ]


def leak_of(finding: Finding, limit: float) -> dict[str, Any]:
    """Return one row of the leak test: what it goes by, its AUC and interval in words, whether it lies above."""
    by = finding.name.removeprefix("leak_").replace("_", " ")
    if finding.value is None or finding.low is None or finding.high is None:
        return {"by": by, "auc": "", "interval": finding.reason, "above": False}
    interval = f"{finding.low:.2f} to {finding.high:.2f}"
    return {"by": by, "auc": f"{finding.value:.2f}", "interval": interval, "above": finding.low > limit}


def words(finding: Finding) -> str:
    """Return a figure of the power as a sentence for somebody who plans a study."""
    if finding.value is None:
        return f"Nothing can be shown: {finding.reason}."
    about = finding.details
    if finding.name == "power_half_width":
        return f"The 95 % interval of the AUC would reach about {finding.value:.2f} to either side."
    share = f"{100 * finding.value:.0f} % of such studies"
    if finding.low is not None and finding.high is not None:
        share += f" (95 % interval {100 * finding.low:.0f} to {100 * finding.high:.0f})"
    if finding.name == "power_equivalence":
        return f"If readers truly cannot tell, {share} would show it within the margin of {about['margin']:g}."
    return f"If readers can tell with an AUC of {about['area']:g}, {share} would show it."


def refusal(error: RadassayError | ValidationError) -> dict[str, str]:
    """Return an error in words that name no file; what cannot be shown goes to the terminal."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "a setting"
        return {"what": f"{where.capitalize()} cannot be used.", "got": str(first["msg"]), "possible": "Change it"}
    module = [frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(error.__traceback__)][-1]
    if not module.startswith(SPEAKING):
        print(f"radassay reading desk: {error}", file=sys.stderr, flush=True)
        what = "An image set cannot be used for this study as it is."
        return {"what": what, "got": "", "possible": "The terminal in which the desk was started says why"}
    got = str(error.got) if module in SHOWN and error.got is not None else ""
    return {"what": error.what.rstrip(".") + ".", "got": got, "possible": error.possible}


if __name__ == "__main__":
    sys.exit(main())
