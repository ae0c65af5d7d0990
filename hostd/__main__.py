"""`python -I -m hostd --config FILE`: the root daemon."""

import sys

# asyncio and structlog import these if they can. hostd speaks no TLS and prints no colours, and they are a third of its memory.
sys.modules.update(dict.fromkeys(("ssl", "rich")))  # type: ignore[arg-type]  # None is how an import is made to fail

from hostd.daemon import main  # noqa: E402  # after what is said about imports

sys.exit(main())
