"""A program of somebody else that draws squares of a class: the command in the tests of generators made elsewhere.

It needs the standard library alone, so that a call takes a few hundredths of a second.
"""

import argparse
import csv
import random
import shutil
import struct
import sys
import time
import zlib
from pathlib import Path


def picture(seed, label, side):
    """PNG bytes of a bright square, at a place and of a size that the seed and the label decide."""
    chance = random.Random(f"{seed} {label}")
    left, top, length, light = *(chance.randrange(2, side // 2) for _ in range(3)), chance.randrange(100, 255)
    rows = bytearray()
    for y in range(side):
        rows += b"\0" + bytes(light * (left <= x < left + length and top <= y < top + length) for x in range(side))
    parts = {b"IHDR": struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0), b"IDAT": zlib.compress(rows), b"IEND": b""}
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts.items()
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=("fit", "sample", "table", "fail", "few", "torn", "hang", "forget"))
    for name in ("images", "labels", "out", "model", "label"):
        parser.add_argument(f"--{name}", default="")
    for name, number in {"seed": 0, "count": 1, "side": 24}.items():
        parser.add_argument(f"--{name}", type=int, default=number)
    given = parser.parse_args()
    out = Path(given.out)
    if given.task == "fit":
        shutil.copytree(given.images, out / "images")
        shutil.copy(given.labels, out / "labels.csv")
        (out / "seed").write_text(str(given.seed))
    elif given.task == "table":
        with open(given.labels, newline="") as file:
            for row in csv.DictReader(file):
                (out / row["file"]).write_bytes(picture(row["seed"], row["label"], given.side))
    elif given.task == "fail":
        print("x" * 5000 + "\nCUDA says no", file=sys.stderr)
        sys.exit(3)
    elif given.task == "hang":
        print("waiting", file=sys.stderr, flush=True)
        time.sleep(60)
    else:
        chance = random.Random() if given.task == "forget" else random.Random(given.seed)
        for number in range(given.count - (given.task == "few")):
            drawn = picture(chance.random(), given.label, given.side)
            broken = given.task == "torn" and number == 0
            (out / f"drawn {number}.png").write_bytes(drawn[:48] if broken else drawn)


if __name__ == "__main__":
    main()
