"""Serve another WSGI application as the bank is served: the same server, settings, processes and threads.

python -m benchmarks.serve benchmarks.yardstick:hello
"""

from __future__ import annotations

import sys

from app.serving import serve

serve(sys.argv[1])
