"""Command line of the trainer. The shipped model was made by, one after the other:

    python -m server.diffusion.train run --out FIRST --minutes 92    (its vocabulary was smaller then)
    python -m server.diffusion.train export --run FIRST --model MODEL
    python -m server.diffusion.train run --out RUN --minutes 91 --start-from MODEL
    python -m server.diffusion.train run --out RUN --minutes 197 --rate 8e-4 --resume
    python -m server.diffusion.train export --run RUN --model MODEL
    python -m server.diffusion.train run --out LAST --minutes 94 --begin 0.5 --rate 8e-4 --seed 3 --start-from MODEL \\
        --half --compiled --batch-factor 2 --threads 2
    python -m server.diffusion.train export --run LAST --model MODEL
    python -m server.diffusion.train evaluate --model MODEL --prompts 200 --sheet sheet.png --json scores.json
    python -m server.diffusion.train export --run LAST --model MODEL --metrics scores.json

The last run is for a CPU with bfloat16 matrix units and a C++ compiler; see this folder's README.

`run --resume` goes on from the newest checkpoint in RUN, with or without the optimizer's state beside it;
`run --start-from MODEL` begins with the weights of an exported model; `evaluate --prompts 0` takes the free sentences.
On a GPU, unattended (it has never been run there; the sizes are those that the figures of one core suggest):

    python -m server.diffusion.train run --out RUN --minutes 40 --device cuda --half --batch-factor 16 \\
        --resolution 128 --frames 33 --heads 6 --layers 10
"""

import argparse
import json
import logging
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and runs one command.

    Args:
        arguments: Words after the program's name; those of the process by default.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m server.diffusion.train", description="Train the starter models.")
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_run(commands.add_parser("run", help="train a text-to-video model on rendered clips"))
    _add_evaluate(commands.add_parser("evaluate", help="score an exported model on held-out prompts"))
    _add_export(commands.add_parser("export", help="write a run's newest checkpoint as a model folder"))
    for what in ("upscaler", "interpolator"):
        _add_finishing(commands.add_parser(what, help=f"train the {what} on rendered scenes and real footage"), what)
    _add_judge(commands.add_parser("judge", help="compare an upscaler or interpolator with the classical method"))
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    return options.command(options)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and log.jsonl")
    parser.add_argument("--minutes", type=float, default=90.0, help="length of the run; sets the curriculum's pace")
    parser.add_argument("--steps", type=int, help="stop after this many steps in all")
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in --out")
    parser.add_argument(
        "--fresh-optimizer", action="store_true", help="with --resume: leave the optimizer's state behind"
    )
    parser.add_argument("--start-from", type=Path, help="a new run starts with the weights of this exported model")
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--resolution", type=int, default=64, help="height and width in pixels, a multiple of 16")
    parser.add_argument("--frames", type=int, default=17)
    parser.add_argument("--heads", type=int, default=4, help="attention heads of the transformer, each 64 wide")
    parser.add_argument("--layers", type=int, default=6, help="blocks of the transformer")
    parser.add_argument("--batch-factor", type=int, default=1, help="times as many clips a step as on one core")
    parser.add_argument("--half", action="store_true", help="compute in bfloat16 where that is safe")
    parser.add_argument("--compiled", action="store_true", help="compile the blocks; on a CPU with a C++ compiler")
    parser.add_argument("--begin", type=_place, default=0.0, help="place in the curriculum to begin at, from 0 to 1")
    parser.set_defaults(command=_run)


def _place(text: str) -> float:
    try:
        place = float(text)
    except ValueError:
        place = -1
    if not 0 <= place < 1:
        raise argparse.ArgumentTypeError("must be a number, at least 0 and less than 1")
    return place


def _run(options: argparse.Namespace) -> int:
    import torch

    from .loop import TrainConfig, train
    from .model import ModelSize

    torch.set_num_threads(options.threads)
    config = TrainConfig(
        out=options.out,
        minutes=options.minutes,
        steps=options.steps,
        peak_rate=options.rate,
        seed=options.seed,
        device=options.device,
        size=ModelSize(heads=options.heads, layers=options.layers, feed_forward=192 * options.heads),
        resolution=options.resolution,
        frames=options.frames,
        batch_factor=options.batch_factor,
        half=options.half,
        compiled=options.compiled,
        begin=options.begin,
        start_from=options.start_from,
    )
    train(config, resume=options.resume, with_optimizer=not options.fresh_optimizer)
    return 0


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, required=True, help="folder of an exported model")
    parser.add_argument("--prompts", type=int, default=48, help="number of held-out prompts; 0 for free sentences")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path, help="write a contact sheet of the first 24 clips here (PNG)")
    parser.add_argument("--json", type=Path, help="write the scores here as well")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    import torch

    from .evaluate import Sampling, evaluate, evaluate_free

    torch.set_num_threads(options.threads)
    sampling = Sampling(steps=options.steps, guidance_scale=options.guidance, seed=options.seed)
    if options.prompts:
        found = evaluate(options.model, options.prompts, sampling, options.sheet)
    else:
        found = evaluate_free(options.model, sampling, options.sheet)
    scores = json.dumps(found, indent=2)
    if options.json is not None:
        options.json.write_text(scores + "\n", encoding="utf-8")
    sys.stdout.write(scores + "\n")
    return 0


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=Path, required=True, help="the --out of a training run")
    parser.add_argument("--model", type=Path, required=True, help="folder to write")
    parser.add_argument("--metrics", type=Path, help="scores of these weights, as `evaluate --json` wrote them")
    parser.set_defaults(command=_export)


def _export(options: argparse.Namespace) -> int:
    from .export import export_model

    metrics = json.loads(options.metrics.read_text(encoding="utf-8")) if options.metrics is not None else None
    export_model(options.run, options.model, metrics=metrics)
    return 0


def _add_finishing(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights; a run in it goes on")
    parser.add_argument("--footage", type=Path, required=True, help="folder with video files of your own")
    parser.add_argument("--held-out", nargs="*", default=[], metavar="NAME", help="files in it to leave for judging")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--steps", type=int, help="stop after this many steps in all")
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.set_defaults(command=_finishing, what=what)


def _finishing(options: argparse.Namespace) -> int:
    import torch

    from .finishing import FinishingConfig, train_interpolator, train_upscaler

    torch.set_num_threads(options.threads)
    config = FinishingConfig(
        out=options.out,
        footage=options.footage,
        held_out=tuple(options.held_out),
        minutes=options.minutes,
        steps=options.steps,
        peak_rate=options.rate,
        seed=options.seed,
    )
    (train_upscaler if options.what == "upscaler" else train_interpolator)(config)
    return 0


def _add_judge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("upscaler", "interpolator"))
    parser.add_argument("--weights", type=Path, required=True, help="the model.safetensors to judge")
    parser.add_argument("--footage", type=Path, help="folder with video files; without it, rendered scenes only")
    parser.add_argument("--held-out", nargs="*", default=[], metavar="NAME", help="the files in it to judge on")
    parser.add_argument("--model", type=Path, help="write weights and figures into this model folder")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.set_defaults(command=_judge)


def _judge(options: argparse.Namespace) -> int:
    import torch

    from .judge import JUDGES, publish

    torch.set_num_threads(options.threads)
    figures = JUDGES[options.what](options.weights, options.footage, options.held_out)
    if options.model is not None:
        publish(options.weights, options.model, options.what, figures)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
