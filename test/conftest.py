"""Every test starts without the settings of the machine it runs on."""

from __future__ import annotations

import os

import pytest

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for a timeout."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TACHYON_") or name.lower() in PROXY_VARIABLES:
            monkeypatch.delenv(name)
