"""The version is what the installation says."""

import importlib.metadata
import sys
from pathlib import Path

import pytest

from shared.version import version


def test_it_is_the_installed_one() -> None:
    assert importlib.metadata.version("hostel") == version()


def test_without_an_installation_it_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), "/nonexistent"])
    assert "unknown" == version()
