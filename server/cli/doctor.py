"""`kinegraph doctor`: what this machine can do, and what stands in the way."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

import server
from server.cli.output import DONE, FAILED, print_json
from server.kit.catalogue import load_catalogue
from server.settings import Settings

GIB = 1024**3
ENCODERS = ("libx264", "libx265", "libsvtav1", "libvpx-vp9", "prores_ks", "ffv1", "aac", "h264_nvenc", "hevc_nvenc")


def doctor(options: argparse.Namespace) -> int:
    """Print what was found; the exit code is 1 when something that Kinegraph needs does not work."""
    settings = Settings.load()
    troubles: list[str] = []
    report: dict[str, Any] = {
        "kinegraph": server.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "home": str(settings.home),
        "memory": _memory(settings.home),
        "devices": _try(_devices, troubles),
        "encoders": _try(_encoders, troubles),
        "models": _try(_models, troubles),
        "packs": _try(lambda: _packs(settings, troubles), troubles),
    }
    troubles += _names(Path(server.__file__).resolve().parent)
    report["troubles"] = troubles
    print_json(report) if options.json else _print(report)
    return FAILED if troubles else DONE


def _try(examine: Callable[[], Any], troubles: list[str]) -> Any:
    """Return what an examination finds; one that fails is itself a finding."""
    try:
        return examine()
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        troubles.append(f"{type(error).__name__}: {error}")
        return None


def _memory(home: Path) -> dict[str, float]:
    memory = psutil.virtual_memory()
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    return {
        "total_gib": round(memory.total / GIB, 1),
        "free_gib": round(memory.available / GIB, 1),
        "disk_free_gib": round(shutil.disk_usage(existing).free / GIB, 1),
    }


def _devices() -> list[dict[str, Any]]:
    import torch

    devices: list[dict[str, Any]] = [
        {"device": "cpu", "name": platform.processor() or "CPU", "cores": psutil.cpu_count()}
    ]
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        gib = round(properties.total_memory / GIB, 1)
        devices.append({"device": f"cuda:{index}", "name": properties.name, "memory_gib": gib})
    if torch.backends.mps.is_available():
        devices.append({"device": "mps", "name": "Apple GPU"})
    return devices


def _encoders() -> list[str]:
    import av

    return [name for name in ENCODERS if name in av.codecs_available]


def _models() -> list[dict[str, str]]:
    from server.diffusion.weights import describe

    starters = Path(server.__file__).parent / "diffusion" / "starter"
    folders = [folder for folder in sorted(starters.iterdir()) if (folder / "model_index.json").is_file()]
    described = [(describe(folder).model, folder) for folder in folders]
    return [{"name": model.name, "family": model.family, "folder": str(folder)} for model, folder in described]


def _packs(settings: Settings, troubles: list[str]) -> dict[str, int]:
    catalogue = load_catalogue([settings.custom_nodes])
    troubles += [f"pack {failure.pack!r} was left out: {failure.message}" for failure in catalogue.failures]
    counts: dict[str, int] = {}
    for definition in catalogue.nodes.values():
        counts[definition.source.pack] = counts.get(definition.source.pack, 0) + 1
    return counts


def _names(folder: Path) -> list[str]:
    """Return a warning when another installed distribution also owns a package called `server` or `nodes`."""
    owners = importlib.metadata.packages_distributions()
    others = {
        package: sorted(set(owners.get(package, [])) - {"kinegraph"})
        for package in ("server", "nodes")
        if set(owners.get(package, [])) - {"kinegraph"}
    }
    return [
        f"the package {package!r} ({folder}) is also installed by {', '.join(names)}; uninstall that, or use a venv"
        for package, names in others.items()
    ]


def _print(report: dict[str, Any]) -> None:
    memory = report["memory"]
    print(f"Kinegraph {report['kinegraph']}, Python {report['python']}, {report['system']}")
    print(f"home      {report['home']} ({memory['disk_free_gib']} GiB free)")
    print(f"memory    {memory['free_gib']} of {memory['total_gib']} GiB free")
    for device in report["devices"] or []:
        size = f", {device['memory_gib']} GiB" if "memory_gib" in device else ""
        print(f"device    {device['device']}: {device['name']}{size}")
    print(f"encoders  {', '.join(report['encoders'] or [])}")
    for model in report["models"] or []:
        print(f"model     {model['name']} ({model['family']})")
    for pack, count in (report["packs"] or {}).items():
        print(f"pack      {pack}: {count} nodes")
    for trouble in report["troubles"]:
        print(f"TROUBLE   {trouble}")
    print("All is well." if not report["troubles"] else f"{len(report['troubles'])} to mend.")
