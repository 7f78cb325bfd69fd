"""Where readers clicked faults: by structure, real beside synthetic, as points or as a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radassay.evidence.finding import Finding
from radassay.report.reading_words import parts

ARMS = ("synthetic", "real")
NINTHS = (("upper", "middle", "lower"), ("left", "middle", "right"))


@dataclass(frozen=True)
class Clicked:
    """The clicks on one structure in one arm."""

    arm: str
    clicks: int
    readers: int
    """Readers who clicked."""
    most_by_one: int
    readings: int
    """Times that the structure was judged in this arm."""
    points: tuple[tuple[float, float], ...]
    """Column and row as shares of the side; empty where a map is told."""
    heat: tuple[tuple[float, ...], ...]
    """Clicks about each tile for every 100 readings, by row and column; empty where points are told."""

    @property
    def where(self) -> str:
        """Return the ninth of the image that holds most clicks, with its share, in words."""
        weights = [
            (x, y, value)
            for row, y in zip(self.heat, _middles(len(self.heat)), strict=True)
            for value, x in zip(row, _middles(len(row)), strict=True)
        ] or [(x, y, 1.0) for x, y in self.points]
        total = sum(value for *_, value in weights)
        if not total:
            return ""
        ninths: dict[tuple[int, int], float] = {}
        for x, y, value in weights:
            place = min(int(3 * y), 2), min(int(3 * x), 2)
            ninths[place] = ninths.get(place, 0.0) + value
        (down, across), most = max(ninths.items(), key=lambda item: item[1])
        name = " ".join(dict.fromkeys((NINTHS[0][down], NINTHS[1][across])))
        return f"{100 * most / total:.0f} % about the {name} of the image"


@dataclass(frozen=True)
class Structure:
    """One structure."""

    id: str
    name: str
    arms: tuple[Clicked, ...]


@dataclass(frozen=True)
class Clicks:
    """All structures on one scale."""

    structures: tuple[Structure, ...]
    most: float
    """The largest value of any map, in clicks about a tile for every 100 readings; 0 without maps."""
    missing: tuple[str, ...]
    """Why there is nothing."""


def clicks(own: Sequence[Finding]) -> Clicks | None:
    """Return where faults were clicked, or None where nobody was asked."""
    found = [f for f in own if f.name == "n_clicks"]
    if not found:
        return None
    by_structure: dict[str, list[Clicked]] = {}
    for f in found:
        if f.value is not None:
            by_structure.setdefault(parts(f)["structure"], []).append(_clicked(f))
    structures = tuple(
        Structure(f"clicks-{n}", name, tuple(sorted(arms, key=lambda c: ARMS.index(c.arm))))
        for n, (name, arms) in enumerate(by_structure.items(), start=1)
    )
    tiles = [value for s in structures for arm in s.arms for row in arm.heat for value in row]
    missing = tuple(dict.fromkeys(f.reason for f in found if f.value is None))
    return Clicks(structures, max(tiles, default=0.0), missing)


def _clicked(finding: Finding) -> Clicked:
    told = finding.details
    return Clicked(
        arm=parts(finding)["arm"],
        clicks=int(finding.value or 0),
        readers=int(told["readers"]),
        most_by_one=int(told["most_by_one"]),
        readings=int(told["readings"]),
        points=tuple((float(x), float(y)) for x, y in told.get("points", ())),
        heat=tuple(tuple(float(v) for v in row) for row in told.get("heat", ())),
    )


def _middles(tiles: int) -> list[float]:
    return [(n + 0.5) / tiles for n in range(tiles)]
