"""`radassay`: the list of commands, and the way from arguments to one of them.

Nothing heavy is imported before a command is chosen, so that `radassay --help` answers at once.
"""

from __future__ import annotations

import importlib
import sys

from radassay import __version__

COMMANDS = {
    "audit": "find what is wrong with image sets, before anyone trains",
    "demo": "the whole assay on simulated chests, without any download",
    "run": "the whole assay on your images, by a study file",
    "assess": "put synthetic images made elsewhere on trial against real ones",
    "trial": "what synthetic images are worth to a diagnosis model, in patients",
    "reading": "a blinded reader study: plan it, serve it to radiologists, analyse the answers",
    "import": "read a folder or table of images into an image set",
    "simulate": "make simulated chests with known truth",
    "train": "train a generator on an image set",
    "sample": "make images with a trained generator",
    "translate": "turn images of one class into another with a trained translator",
    "encode": "turn an image set of any size into features, in shards, on several processes or a cluster",
    "report": "judge a sealed run again, with these or other rules, and draw its report",
    "verify": "check that no byte of a sealed run has changed",
    "weights": "list and get the weights of encoders; the only command that uses a network",
    "list": "the checks, probes, generators, encoders, classifiers and planted defects there are",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: done. 1: done, but a check failed and is recorded as not measured. 2: wrong input, refused, or no space.
    130: interrupted; the same command carries on.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    if given[0] == "--version":
        print(f"radassay {__version__}")
        return 0
    name = given[0]
    if name not in COMMANDS:
        print(f"radassay: no command {name!r}. Commands: {', '.join(COMMANDS)}.", file=sys.stderr)
        return 2
    return _run(name, given[1:])


def overview() -> str:
    """Return what `radassay --help` prints."""
    width = max(map(len, COMMANDS))
    lines = [
        "radassay: do synthetic medical images have clinical value, or do they only look right?",
        "",
        "usage: radassay COMMAND [options]      radassay COMMAND --help tells more",
        "",
        *(f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()),
        "",
        "examples:",
        "  radassay demo --out runs/demo",
        "  radassay audit ours/ public/ --out runs/audit",
        "  radassay run study.toml --out runs/study",
        "  radassay assess real/ synthetic/ --positive COVID-19 --out runs/theirs",
    ]
    return "\n".join(lines)


def _run(name: str, arguments: list[str]) -> int:
    import tyro

    from radassay.engine.processes import one_thread
    from radassay.errors import RadassayError

    one_thread()

    command = importlib.import_module(f"radassay.cli.{name}_command").Command
    try:
        parsed = tyro.cli(command, args=arguments, prog=f"radassay {name}", config=(tyro.conf.FlagCreatePairsOff,))
        code: int = parsed.run()
    except RadassayError as error:
        print(f"radassay {name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nradassay {name}: interrupted; the same command carries on where it stopped.", file=sys.stderr)
        return 130
    return code
