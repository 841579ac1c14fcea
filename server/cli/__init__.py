"""The command line's entry point: parse, dispatch, turn errors into words and exit codes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from server.cli.arguments import parse_arguments
from server.cli.output import BAD_WORKFLOW, FAILED, INTERRUPTED, CommandError, print_problems
from server.jobs.errors import JobsError
from server.kit.problems import WorkflowError
from server.settings import SettingsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 bad workflow or arguments, 130 interrupted."""
    options = parse_arguments(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="%(levelname)s %(message)s")
    try:
        return options.command(options)
    except WorkflowError as error:
        print_problems(error.problems, as_json=getattr(options, "json", False))
        return BAD_WORKFLOW
    except SettingsError as error:
        print(f"kinegraph: {error}", file=sys.stderr)
        return BAD_WORKFLOW
    except CommandError as error:
        print(f"kinegraph: {error}", file=sys.stderr)
        return error.exit_code
    except JobsError as error:
        print(f"kinegraph: {error}; {error.hint}" if error.hint else f"kinegraph: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("kinegraph: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, as `kinegraph nodes | head` does
        sys.stderr.close()
        return FAILED
    except OSError as error:
        print(f"kinegraph: {error}", file=sys.stderr)
        return FAILED
