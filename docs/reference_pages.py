"""Write the reference pages from the docstrings of settings and plug-ins: `python docs/reference_pages.py`."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from radassay import registry
from radassay.workbench import study

FOLDER = Path(__file__).parent / "reference"
SECTIONS = {
    "": (study.Study, "The study"),
    "[real]": (study.Material, "Acquired images; `[[others]]` takes the same settings"),
    "[synthetic]": (study.Synthetic, "The images on trial"),
    "[split]": (study.Split, "Patients into splits"),
    "[checks]": (study.Checks, "Checks and controls"),
    "[trial]": (study.Trial, "The downstream trial"),
}
TITLES = {
    "checks": "Checks",
    "probes": "Probes of an audit",
    "controls": "Planted defects",
    "encoders": "Encoders",
    "classifiers": "Classifiers",
    "generators": "Generators",
    "volume-generators": "Generators of volumes",
}


def field_docs(kind: type[Any]) -> dict[str, str]:
    """Return the docstring that stands under each field of a dataclass, inherited fields included."""
    docs = {}
    for base in reversed([base for base in kind.__mro__ if "__dataclass_fields__" in vars(base)]):
        tree = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        assert isinstance(tree, ast.ClassDef)
        for one, two in zip(tree.body, tree.body[1:], strict=False):
            if isinstance(one, ast.AnnAssign) and isinstance(two, ast.Expr) and isinstance(two.value, ast.Constant):
                docs[ast.unparse(one.target)] = " ".join(str(two.value.value).split())
    return docs


def default_of(field: Any) -> str:
    """Return a field's default as TOML would write it, or nothing where it must be given."""
    value = field.default_factory() if field.default_factory is not MISSING else field.default
    # pydantic keeps its constraints beside the default, in a field of its own
    if hasattr(value, "annotation"):
        value = value.get_default(call_default_factory=True)
    if value is MISSING or hasattr(value, "__dataclass_fields__"):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    return f"`{list(value) if isinstance(value, tuple) else value}`"


def table_of(kind: type[Any]) -> list[str]:
    """Return a Markdown table of a dataclass's fields."""
    docs = field_docs(kind)
    rows = [f"| `{f.name}` | {default_of(f)} | {docs.get(f.name, '')} |" for f in fields(kind)]
    return ["| setting | default | meaning |", "|---|---|---|", *rows, ""] if rows else []


def study_page() -> str:
    """Return the page of the study file."""
    lines = [
        "# The study file",
        "",
        "One TOML file fixes a study before any image is read. An unknown key or an impossible value is refused by",
        "name. `radassay demo --show-study` prints one to start from. Relative paths are relative to the file.",
        "",
    ]
    for section, (kind, title) in SECTIONS.items():
        lines += [f"## {title}" + (f": `{section}`" if section else ""), "", *table_of(kind)]
    return "\n".join(lines)


def plugins_page() -> str:
    """Return the page of all registered plug-ins."""
    lines = ["# Plug-ins", "", "What is there, by the names that study files use; `radassay list` prints the same.", ""]
    for kind, title in TITLES.items():
        lines += [f"## {title}", ""]
        for name in registry.names(kind):
            plugin = registry.load(kind, name)
            lines += [f"### `{name}`", "", inspect.getdoc(plugin) or "", ""]
            for told, attribute in (("Asks", "question"), ("Fault", "what"), ("Dose", "unit"), ("From", "paper")):
                if getattr(plugin, attribute, ""):
                    lines += [f"**{told}:** {getattr(plugin, attribute)}", ""]
            lines += table_of(plugin)
    return "\n".join(lines)


PAGES = {"study.md": study_page, "plugins.md": plugins_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
