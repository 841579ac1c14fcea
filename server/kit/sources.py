"""What a node's result depends on of the code: its own file, and every file of ours that this uses, however far away.

Found by reading, without running anything: imports, wherever they stand, and modules that are named whole in a string,
as registries name them. What is found too much costs a cached result. What computes a module's name at run time is not
found; the node's ``version`` tells of a change there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_LINE = r"(?:[^\n\\#;]|\\\r?\n)*"
_LINES = r"\((?:[^)#]|#[^\n]*)*\)"
_GAP = r"(?:[ \t]|\\\r?\n)"
_IMPORT = re.compile(
    rf"(?:^|[;:])[ \t]*(?:from{_GAP}+(?P<base>[.\w]+){_GAP}+import\b{_GAP}*(?P<names>{_LINES}|{_LINE})"
    rf"|import{_GAP}+(?P<modules>{_LINE}))",
    re.MULTILINE,
)
_NAMED = re.compile(r"""["'](\.*[A-Za-z_]\w*(?:\.\w+)*)[:"']""")
_WORD = re.compile(r"[\w.]+")


@dataclass(frozen=True, slots=True)
class _Module:
    """A file that was read: its digest, and the modules of the roots that it uses."""

    digest: str
    uses: tuple[str, ...]


class Sources:
    """Digests of modules, each with all that it uses; every file is read once.

    Args:
        roots: The packages in which uses are followed, by name, and the folder of each, or the file of a module.
        without: Packages below them that are not followed.
    """

    def __init__(self, roots: Mapping[str, Path], without: frozenset[str] = frozenset()) -> None:
        self._roots = roots
        self._without = without
        self._modules: dict[str, _Module] = {}

    @property
    def read(self) -> frozenset[str]:
        """The modules that were read so far."""
        return frozenset(self._modules)

    def digest(self, module: str, file: Path) -> str:
        """Return the digest of a module with all that it uses, as hexadecimal BLAKE2b-160.

        Args:
            module: Its whole name, from which relative imports are counted.
            file: Where it is written.
        """
        if module not in self._modules:
            self._modules[module] = self._open(module, file)
        reached, waiting = {module}, [module]
        while waiting:
            for used in self._module(waiting.pop()).uses:
                if used not in reached:
                    reached.add(used)
                    waiting.append(used)
        reached.remove(module)
        parts = [self._module(module).digest, *sorted((name, self._module(name).digest) for name in reached)]
        return hashlib.blake2b(repr(parts).encode(), digest_size=20).hexdigest()

    def _module(self, name: str) -> _Module:
        if name not in self._modules:
            file = self._file(name)
            assert file is not None  # noqa: S101  (only what has a file is ever named as used)
            self._modules[name] = self._open(name, file)
        return self._modules[name]

    def _open(self, name: str, file: Path) -> _Module:
        content = file.read_bytes()
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        uses = dict.fromkeys(self._uses(package, content.decode("utf-8", "replace")))
        return _Module(hashlib.blake2b(content, digest_size=20).hexdigest(), tuple(uses))

    def _uses(self, package: str, text: str) -> Iterator[str]:
        for match in _IMPORT.finditer(text):
            if match["base"]:
                base = _absolute(match["base"], package)
                for name in _WORD.findall(match["names"]) or "*":
                    yield from self._nearest(f"{base}.{name}", base)
            else:
                for name in _WORD.findall(match["modules"]):
                    yield from self._nearest(name)
        for name in _NAMED.findall(text):
            if "." in name:
                yield from self._nearest(_absolute(name, package))

    def _nearest(self, *names: str) -> Iterator[str]:
        """Yield the first of the names that is a module's."""
        for name in names:
            if self._file(name) is not None:
                yield name
                return

    def _file(self, name: str) -> Path | None:
        within = [root for root in self._roots if _is_in(name, root)]
        if not within or any(_is_in(name, left) for left in self._without):
            return None
        root = max(within, key=len)
        path = self._roots[root].joinpath(*name[len(root) + 1 :].split("."))
        if path.suffix == ".py" and name == root:
            return path
        for file in (path / "__init__.py", path.with_name(path.name + ".py")):
            if file.is_file():
                return file
        return None


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def _absolute(base: str, package: str) -> str:
    """Return the whole name of what a `from` names, which may begin with dots."""
    name = base.lstrip(".")
    above = len(base) - len(name)
    if not above:
        return name
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - above + 1], *([name] if name else [])])
