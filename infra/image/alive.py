"""The image's health check: exit 0 if the server in this container answers /livez, else 1 with the reason.

Asks the process, not its database: a container is not restarted because PostgreSQL is away. Alone in its file and
without any import of the server's, because it runs every few seconds.
"""

from __future__ import annotations

import http.client
import os
import sys

SECONDS = 3


def main() -> int:
    """Asks once."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("CARNET_PORT", "8440")), timeout=SECONDS)
    try:
        connection.request("GET", "/livez")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        print(f"no answer: {error}", file=sys.stderr)
        return 1
    if status != 200:
        print(f"/livez answered {status}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
