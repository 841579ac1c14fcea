"""`kinegraph nodes [NAME]`: the catalogue, and each node's help."""

from __future__ import annotations

import argparse
import difflib
import sys
import textwrap
from itertools import groupby

from server.cli.output import BAD_WORKFLOW, DONE, CommandError, print_json
from server.kit.catalogue import Catalogue, load_catalogue
from server.kit.definition import InputSocket, Missing, NodeDefinition
from server.kit.widgets import Choice, Number
from server.settings import Settings


def nodes(options: argparse.Namespace) -> int:
    """Print the catalogue, or one node's help."""
    catalogue = load_catalogue([Settings.load().custom_nodes])
    for failure in catalogue.failures:
        print(f"pack {failure.pack!r} was left out: {failure.message}", file=sys.stderr)
    if options.name:
        definition = _find(catalogue, options.name)
        print_json(Catalogue({definition.id: definition}).to_json()) if options.json else print(_explain(definition))
    elif options.json:
        print_json(catalogue.to_json())
    else:
        _list(catalogue)
    return DONE


def _find(catalogue: Catalogue, name: str) -> NodeDefinition:
    definition = catalogue.get(name)
    if definition:
        return definition
    near = difflib.get_close_matches(name, catalogue.nodes, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`kinegraph nodes` lists them all"
    message = f"there is no node {name!r}; {hint}"
    raise CommandError(message, BAD_WORKFLOW)


def _list(catalogue: Catalogue) -> None:
    ordered = sorted(catalogue.nodes.values(), key=lambda definition: (definition.category, definition.id))
    width = max((len(definition.id) for definition in ordered), default=0)
    for category, members in groupby(ordered, key=lambda definition: definition.category):
        print(category)
        for definition in members:
            print(f"  {definition.id:<{width}}  {definition.help.partition(chr(10))[0]}")


def _explain(definition: NodeDefinition) -> str:
    lines = [f"{definition.id} (version {definition.version}): {definition.title}", "", definition.help, ""]
    lines += ["Inputs:", *map(_input_line, definition.inputs)] if definition.inputs else []
    lines += ["Outputs:"] if definition.outputs else []
    lines += [_paragraph(f"{socket.name}: {socket.type}", socket.help) for socket in definition.outputs]
    return "\n".join(lines)


def _input_line(socket: InputSocket) -> str:
    if isinstance(socket.default, Missing):
        given = "required"
    else:
        given = "optional" if socket.default is None else f"default {socket.default!r}"
    return _paragraph(f"{socket.name}: {socket.type}{_limits(socket)}, {given}", socket.help)


def _limits(socket: InputSocket) -> str:
    match socket.widget:
        case Choice(options=options):
            return " (" + " | ".join(map(str, options)) + ")"
        case Number(min=low, max=high) if low is not None or high is not None:
            return f" ({'' if low is None else low}..{'' if high is None else high})"
        case _:
            return ""


def _paragraph(head: str, text: str) -> str:
    return f"  {head}\n" + textwrap.indent(textwrap.fill(text, 100), "      ")
