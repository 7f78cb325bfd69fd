"""Fifty readers at once on one server: how long an answer takes to be kept, and what ten kills lose or double.

Every reader loads the pixels of a 512 x 512 radiograph, thinks for 0.5 to 1.5 s (a radiologist takes five to ten times
as long), answers and asks for the next case. An answer's time runs from sending it to its confirmation, after the row
is on the disk. Client and server share the machine; the client's own work is in the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import os
import sys
import tempfile
import time
import uuid
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "web"))
from served_studies import Server, client, free_port, study_folder


async def one_reader(
    address: str, cookie: str, form: str, seed: int, until: float, times: list[float], confirmed: list[str]
) -> None:
    """Read until the time is over; resend, under the same id, whatever was not confirmed."""
    rng = np.random.default_rng(seed)
    headers = {"x-radassay-form": form, "cookie": cookie}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=10) as c:
        await asyncio.sleep(rng.uniform(0, 1))
        pending: dict[str, object] | None = None
        while time.monotonic() < until or pending is not None:
            try:
                if pending is None:
                    tasks = (await c.get("/api/work")).json()["tasks"]
                    if not tasks:
                        return
                    await c.get(f"/api/pixels/{tasks[0]['images'][0]}")
                    await asyncio.sleep(rng.uniform(0.5, 1.5))
                    level = {"level": int(rng.integers(1, 7))}
                    pending = {"id": str(uuid.uuid4()), "item": tasks[0]["item"], "value": level}
                sent = time.perf_counter()
                told = await c.post("/api/answers", json=pending)
                if told.status_code == 200:
                    times.append(time.perf_counter() - sent)
                    confirmed.append(str(pending["id"]))
                    pending = None
            except httpx.HTTPError:
                await asyncio.sleep(0.1)


async def killing(server: Server, kills: int, pause: float) -> None:
    """Kill -9 and start again, in even steps."""
    for _ in range(kills):
        await asyncio.sleep(pause)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)


async def load(server: Server, who: list[tuple[str, str]], seconds: float, kills: int) -> tuple[list[float], list[str]]:
    """Return seconds per answer and the ids the server confirmed."""
    times: list[float] = []
    confirmed: list[str] = []
    until = time.monotonic() + seconds
    readers = [one_reader(server.address, *w, n, until, times, confirmed) for n, w in enumerate(who)]
    await asyncio.gather(*readers, killing(server, kills, seconds / (kills + 1) if kills else 0))
    return times, confirmed


def main() -> None:
    """Measure without kills, then with them, and count what the book holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--kills", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        folder = study_folder(Path(root) / "served", width=512, height=512, n=120)
        server = Server(folder.path, f"{root}/reads.db", free_port(), Path(root) / "log")
        server.start()
        try:
            *links, boss = server.links(options.readers)
            who = []
            for link in links:
                with closing(client(link)) as c:
                    ((name, token),) = c.cookies.items()
                    who.append((f"{name}={token}", c.headers["x-radassay-form"]))
            print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
            assert server.process is not None
            used = psutil.Process(server.process.pid).cpu_times()
            times, confirmed = asyncio.run(load(server, who, options.seconds, 0))
            now = psutil.Process(server.process.pid).cpu_times()
            spent = 1e3 * (now.user + now.system - used.user - used.system) / len(times)
            p50, p95, p99 = 1e3 * np.percentile(times, [50, 95, 99])
            rate = len(times) / options.seconds
            print(f"{options.readers} readers, {len(times)} answers, {rate:.0f} a second")
            print(f"an answer: median {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms")
            print(f"the server's processor time for a case (asked for, pixels, answer): {spent:.1f} ms")
            more: list[str] = []
            if options.kills:
                _, more = asyncio.run(load(server, who, options.seconds, options.kills))
            with closing(client(boss)) as c:
                text = c.get("/api/coordinator/answers.csv").text
            kept = [row["answer_id"] for row in csv.DictReader(io.StringIO(text))]
            items = {(row["reader"], row["item"]) for row in csv.DictReader(io.StringIO(text))}
            wanted = set(confirmed) | set(more)
            print(f"{options.kills} kills under {len(more)} answers: lost {len(wanted - set(kept))},", end=" ")
            print(f"doubled {len(kept) - len(items)}, kept without being confirmed {len(set(kept) - wanted)}")
            print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        finally:
            server.kill()


if __name__ == "__main__":
    main()
