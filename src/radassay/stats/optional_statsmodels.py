"""The regression models of statsmodels, for who has installed it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from radassay.errors import SettingsError


def statsmodels_module(name: str) -> Any:
    """Return a module of statsmodels, such as `api`.

    Raises:
        SettingsError: it is not installed.
    """
    try:
        return import_module(f"statsmodels.{name}")
    except ModuleNotFoundError as error:
        raise SettingsError(
            "This regression needs statsmodels, which is not installed", possible="pip install 'radassay[reading]'"
        ) from error
