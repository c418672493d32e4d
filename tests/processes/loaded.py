"""`python -m tests.processes.loaded` prints the modules that this process has loaded, one a line."""

import sys

if __name__ == "__main__":
    print("\n".join(sys.modules))
