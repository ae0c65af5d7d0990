"""uvloop, without OpenSSL.

uvloop and asyncio import `ssl` for names that they use only when a connection is encrypted, which a guest's never are; the
libraries behind it would be a seventh of an idle guest's memory. So a stand-in with those names takes its place while
the two are imported, and is gone after: whoever imports `ssl` later gets the real one.

The collector of garbage waits until all is imported: what imports make stays, and to look through it took a twentieth of
the start.
"""

import gc
import sys
from types import ModuleType
from typing import Any, Final

gc.disable()

_TYPES: Final = (
    *("SSLContext", "MemoryBIO", "SSLError", "SSLWantReadError", "SSLSyscallError", "SSLZeroReturnError"),
    *("CertificateError", "create_default_context"),
)
_NUMBERS: Final = ("SSL_ERROR_WANT_READ", "SSL_ERROR_WANT_WRITE", "SSL_ERROR_SYSCALL")


def _stand_in() -> ModuleType:
    module: Any = ModuleType("ssl", "Names without OpenSSL")
    for name in _TYPES:
        setattr(module, name, type(name, (Exception,), {}))
    for name in _NUMBERS:
        setattr(module, name, 0)
    return module  # type: ignore[no-any-return]  # a module, of which mypy would not see the names


if "ssl" in sys.modules:
    from uvloop import run
else:
    sys.modules["ssl"] = _stand_in()
    from uvloop import run

    del sys.modules["ssl"]

__all__ = ["run"]
