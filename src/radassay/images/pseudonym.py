"""Codes in place of the identifiers of patients and studies."""

from __future__ import annotations

import hashlib
import hmac


def pseudonym(raw: str, key: str, prefix: str = "p") -> str:
    """Return `prefix` and the first 12 hex digits of HMAC-SHA256(key, raw); an empty text stays empty.

    Without a key this is a consistent pseudonym, not anonymity: whoever guesses an identifier can check the guess.
    The same key gives the same codes in every import, so that one patient in two sets is found.
    """
    if not raw:
        return ""
    return prefix + hmac.new(key.encode(), raw.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:12]
