"""Links that let one person in: tokens, their hashes, and the brake on guessing."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable


def new_token() -> str:
    """Return a token of 256 random bits, safe in an address."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """SHA-256 of a token. A token is random over 256 bits, so a slow hash would protect nothing more."""
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(token: str) -> str:
    """What a page must send with every change, so that no other site can make the browser send it (CSRF)."""
    return hashlib.sha256(b"radassay form " + token.encode()).hexdigest()[:32]


class Brake:
    """A bucket per key that refills steadily: so many at once, so many a second after that.

    Args:
        at_once: how many may come together.
        per_second: how many a second in the long run.
        clock: seconds that only rise.
    """

    def __init__(self, at_once: float, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_once, self._per_second, self._clock = at_once, per_second, clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def allows(self, key: str, cost: float = 1.0) -> bool:
        """Take from the bucket of a key; False if it does not hold enough. A cost of 0 only asks for one."""
        with self._lock:
            t = self._clock()
            if len(self._buckets) > 10_000:
                self._buckets = {k: v for k, v in self._buckets.items() if self._level(*v, t) < self._at_once}
            level = self._level(*self._buckets.get(key, (self._at_once, t)), t)
            allowed = level >= (cost or 1.0)
            self._buckets[key] = (level - cost if allowed else level, t)
            return allowed

    def _level(self, level: float, since: float, t: float) -> float:
        return min(self._at_once, level + (t - since) * self._per_second)
