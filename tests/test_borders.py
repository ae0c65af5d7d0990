"""The borders between the packages, read from the syntax trees."""

import ast
import re
import sys
from pathlib import Path

import pytest

import api
import ctl
import guest
import hostd
import shared
from tools.environments import CHECKOUT

PACKAGES = {"api", "ctl", "guest", "hostd", "shared"}
ALLOWED = {
    "hostd": {"msgspec", "pam", "structlog"},
    "guest": {"acp", "asyncinotify", "genai_prices", "msgspec", "ptyprocess", "uvloop", "zstandard"},
    "shared": {"msgspec", "structlog"},
}


def folder(name: str) -> Path:
    module = {"api": api, "ctl": ctl, "guest": guest, "hostd": hostd, "shared": shared}[name]
    return Path(str(module.__file__)).parent


def imports(path: Path) -> set[str]:
    """The top-level names that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides whose code it is"
            names.add(str(node.module).split(".")[0])
    return names


def all_imports(package: str) -> set[str]:
    return set().union(*(imports(path) for path in folder(package).rglob("*.py")))


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_package_imports_no_other_but_shared(package: str) -> None:
    """The packages meet on the wire alone."""
    assert set() == all_imports(package) & (PACKAGES - {package, "shared"})


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_package_brings_few_dependencies(package: str) -> None:
    """What runs as root or as the tenant has a short, closed list of dependencies."""
    assert set() == all_imports(package) - set(sys.stdlib_module_names) - PACKAGES - ALLOWED[package]


def test_the_root_daemon_never_starts_a_shell_or_a_thread() -> None:
    """Neither a shell nor a thread appears in hostd's code."""
    for path in folder("hostd").rglob("*.py"):
        assert set() == imports(path) & {"threading", "concurrent", "multiprocessing", "pickle", "shelve"}, path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword):
                assert node.arg != "preexec_fn", path
                assert (node.arg, ast.dump(node.value)) != ("shell", "Constant(value=True)"), path
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"system", "popen", "to_thread", "run_in_executor", "create_subprocess_shell"}, path


def test_the_root_daemon_stays_small() -> None:
    """Every line of hostd runs as root; there is a number of them that we do not pass."""
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in folder("hostd").rglob("*.py"))
    assert lines < 2500


IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["']([^"']+)["']""")


def test_the_terminal_needs_nothing_of_the_rest_of_the_client() -> None:
    """Another page may take the folder as it is."""
    terminal = CHECKOUT / "web/src/terminal"
    for path in (path for path in terminal.rglob("*.ts*") if ".test." not in path.name):
        for name in IMPORT.findall(path.read_text(encoding="utf-8")):
            inside = (
                (path.parent / name).resolve().is_relative_to(terminal) if name.startswith(".") else not name.startswith("#")
            )
            assert inside, f"{path} imports {name}"


def test_the_client_writes_no_markup_from_strings() -> None:
    """What React makes of text is text; the ways around that are not used."""
    for path in (CHECKOUT / "web/src").rglob("*.ts*"):
        if ".test." not in path.name and path.name != "schema.d.ts":
            text = path.read_text(encoding="utf-8")
            for way in ("dangerouslySetInnerHTML", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
                assert way not in text, f"{path} uses {way}"
