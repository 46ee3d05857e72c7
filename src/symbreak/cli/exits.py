"""Exit codes beside 0 (done) and 1, which is left to findings."""

from __future__ import annotations

UNUSABLE = 2
# 128 + the signal's number, as shells report it: SIGINT and SIGPIPE.
INTERRUPTED = 130
PIPE_CLOSED = 141
