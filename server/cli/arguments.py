"""The commands and their options. Each command's module is imported only when it is called."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Sequence
from typing import Protocol

from server import __version__


class Commands(Protocol):
    """What argparse returns for subcommands; its own class has no public name."""

    def add_parser(self, name: str, *, help: str, description: str, allow_abbrev: bool) -> argparse.ArgumentParser:  # noqa: A002
        """Add one command."""
        ...


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; `command` in them is the function to call. Exits with 2 on bad arguments."""
    parser = argparse.ArgumentParser(
        prog="kinegraph", description="Run graphs of typed nodes that make video.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"kinegraph {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the log of what happens")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(commands)
    _add_check_and_plan(commands)
    _add_serve(commands)
    _add_others(commands)
    return parser.parse_args(arguments)


def _command(
    commands: Commands,
    name: str,
    text: str,
    module: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False)
    parser.set_defaults(command=_late(module, name))
    return parser


def _late(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    def call(options: argparse.Namespace) -> int:
        return getattr(importlib.import_module(f"server.cli.{module}"), name)(options)

    return call


def _add_workflow(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="workflow JSON, a video or image with one inside, or - for stdin")
    parser.add_argument(
        "--set",
        dest="settings",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="set a named input, or any knob as NODE.INPUT=VALUE; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="JSON lines on stdout")


def _add_run(commands: Commands) -> None:
    parser = _command(commands, "run", "run a workflow here, without a server", "run")
    _add_workflow(parser)
    parser.add_argument(
        "-o", "--output", metavar="PATH", help="copy the result to this file, or results to this folder"
    )


def _add_check_and_plan(commands: Commands) -> None:
    _add_workflow(_command(commands, "check", "say what is wrong with a workflow; run nothing", "check"))
    _add_workflow(_command(commands, "plan", "say which nodes would run, and why; run nothing", "check"))


def _add_serve(commands: Commands) -> None:
    parser = _command(commands, "serve", "start the server and open the editor", "serve")
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, help="port to listen on (default 8188; 0 takes a free one)")
    parser.add_argument("--no-auth", action="store_true", help="ask for no token; on a loopback address only")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def _add_others(commands: Commands) -> None:
    nodes = _command(commands, "nodes", "list the node types, or explain one", "nodes")
    nodes.add_argument("name", metavar="NAME", nargs="?", help="a node type to explain")
    nodes.add_argument("--json", action="store_true", help="the catalogue as JSON")
    migrate = _command(commands, "migrate", "bring workflow files up to date, in place", "migrate")
    migrate.add_argument("files", metavar="FILE", nargs="+", help="workflow JSON")
    migrate.add_argument("--dry-run", action="store_true", help="only say what would change")
    doctor = _command(commands, "doctor", "say what this machine can do", "doctor")
    doctor.add_argument("--json", action="store_true", help="JSON on stdout")
    models = _command(commands, "models", "list models, explain one, or fetch one", "models")
    models.add_argument("action", choices=("list", "show", "pull"), help="what to do")
    models.add_argument("name", metavar="NAME", nargs="?", help="a name, sha256:HEX, or an address: https or hf:")
    models.add_argument("--to", metavar="NAME", help="pull: the name in the models folder, such as vae/wan.safetensors")
    models.add_argument("--sha256", metavar="HEX", help="pull: what the content must be")
    models.add_argument("--json", action="store_true", help="JSON on stdout")
    weights = _command(commands, "weights", "list, fetch or convert weights for upscaling and interpolation", "weights")
    weights.add_argument("action", choices=("list", "get", "convert"), help="what to do")
    weights.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="what to get, by its name or address; or the file to convert",
    )
    weights.add_argument("--sha256", metavar="HEX", help="get: what the content at an address must be")
    weights.add_argument("--json", action="store_true", help="the list as JSON")
    schemas = _command(commands, "schemas", "write the published JSON Schema and OpenAPI files", "schemas")
    schemas.add_argument("folder", metavar="FOLDER", help="where to write them")
