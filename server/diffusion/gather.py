"""From single files to a whole model: what each file is, what belongs together, what is missing. Loads no weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from server.diffusion import recipes, vocabularies
from server.diffusion.errors import WeightsError
from server.diffusion.identify import Found, identify
from server.diffusion.layouts.unet import with_motion
from server.diffusion.recipes import Need, Recipe
from server.diffusion.source import TABLE, Part, Source, canonical

CHOICES = ("model", "low_noise_model", "text_encoder", "text_encoder_2", "vae", "image_encoder", "motion_module")
"""Under which names the files of a model are chosen; "model" is the one that it cannot do without."""


class ChoiceError(WeightsError):
    """A file that does not do, or is missing; `choice` is the name under which it is chosen."""

    def __init__(self, choice: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.choice = choice


Candidates = Callable[[], Iterable[Path]]


def gather(chosen: Mapping[str, Path], *, folders: Sequence[Path] = (), candidates: Candidates = tuple) -> Source:
    """Put a model together from files.

    Args:
        chosen: Files by choice, see `CHOICES`. What is not chosen is looked for in the model's own file, then among the
            candidates, where it is taken when one alone fits.
        folders: The user's folders of models, for tokenizers.
        candidates: Supplies files of the user's that may be companions.

    Raises:
        ChoiceError: A file is of another kind than it is chosen for, does not belong to the model, or is missing.
        WeightsError: A file is damaged, or a pickle, or of a variant that cannot be run.
    """
    networks = _identified("model", chosen["model"])
    denoiser = _denoiser(networks, chosen["model"])
    motion = _motion(chosen, denoiser)
    experts = [denoiser, *_second(chosen, denoiser)]
    config = denoiser.configuration()
    if motion is not None:
        config = with_motion(config, motion.configuration())
    recipe = _recipe(denoiser, motion, config, chosen["model"], len(experts))
    _refuse_unused(chosen, recipe, denoiser)
    text = canonical(config | dict(recipe.sets))
    merged = () if motion is None else (motion.part("motion_adapter"),)
    names = [recipe.component, f"{recipe.component}_2"]
    parts = [
        expert.part(name, text, merged=merged) for name, expert in zip(names[: len(experts)], experts, strict=True)
    ]
    found = {need.component: _companion(need, chosen, networks, candidates, denoiser) for need in recipe.needs}
    schedule = recipe.schedule({name: companion.configuration() for name, companion in found.items()})
    parts.append(Part("scheduler", (), canonical(schedule), TABLE))
    for need in recipe.needs:
        if need.within is None:
            parts.append(_whole(need, found, recipe))
        if need.tokenizer is not None:
            sees = any(part.within and part.within[0] == need.component for part in recipe.needs)
            parts.append(_tokenizer(need, Path(found[need.component].files[0]), folders, sees=sees))
    for name, encoder in recipe.processors.items():
        side = found[encoder].configuration()["image_size"]
        parts.append(Part(name, (), canonical(recipes.processor(side)), TABLE))
    return Source(chosen["model"].stem, recipe.family, tuple(parts), options=canonical(recipe.options))


def _whole(need: Need, found: Mapping[str, Found], recipe: Recipe) -> Part:
    """Return a companion as a component, with those that are parts of its module."""
    own = found[need.component].configuration() | dict(need.sets)
    inner = [part for part in recipe.needs if part.within and part.within[0] == need.component]
    if not inner:
        return found[need.component].part(need.component, canonical(own))
    config = {"text_config": own}
    for part in inner:
        assert part.within is not None  # noqa: S101  (asked for just above)
        config[part.within[1]] = found[part.component].configuration()
    merged = tuple(found[part.component].part(part.component) for part in inner)
    return found[need.component].part(need.component, canonical(config), merged=merged)


def _identified(choice: str, file: Path) -> tuple[Found, ...]:
    try:
        return identify(file)
    except WeightsError as error:
        raise ChoiceError(choice, error.message, error.hint) from error


def _denoiser(networks: tuple[Found, ...], file: Path) -> Found:
    for found in networks:
        if found.role == "denoiser":
            return found
    first = networks[0]
    raise ChoiceError(
        "model",
        f"{file.name} is no model that makes pictures: it holds {first.title} ({first.role}).",
        f"Choose it as {first.role.replace(' ', '_')}, and here the file of the model that it belongs to.",
    )


def _motion(chosen: Mapping[str, Path], denoiser: Found) -> Found | None:
    file = chosen.get("motion_module")
    if file is None:
        return None
    found = next((found for found in _identified("motion_module", file) if found.role == "motion module"), None)
    if found is None:
        raise ChoiceError("motion_module", f"{file.name} is no motion module.", "Choose one of AnimateDiff's.")
    if denoiser.architecture != "sd":
        raise ChoiceError(
            "motion_module",
            f"A motion module works in Stable Diffusion 1, and the model is {denoiser.title}.",
            "Choose a model of Stable Diffusion 1.5, or no motion module.",
        )
    return found


def _second(chosen: Mapping[str, Path], denoiser: Found) -> list[Found]:
    file = chosen.get("low_noise_model")
    if file is None:
        return []
    choice = "low_noise_model"
    found = next((found for found in _identified(choice, file) if found.role == "denoiser"), None)
    if found is None or found.architecture != "wan" or found.config != denoiser.config:
        what = "no model" if found is None else f"{found.title} of another size or kind than the model"
        raise ChoiceError(
            choice, f"{file.name} is {what}.", "Choose the low-noise file that was published with the model's file."
        )
    return [found]


def _recipe(denoiser: Found, motion: Found | None, config: Mapping[str, Any], file: Path, experts: int) -> Recipe:
    architecture = denoiser.architecture if motion is None else "animatediff"
    try:
        return recipes.recipe(architecture, config, file.stem, experts=experts)
    except WeightsError as error:
        raise ChoiceError("model", error.message, error.hint) from error


def _refuse_unused(chosen: Mapping[str, Path], recipe: Recipe, denoiser: Found) -> None:
    used = {"model", "low_noise_model", "motion_module", *(need.choice for need in recipe.needs)}
    for choice in chosen:
        if choice not in used:
            words = choice.replace("_", " ")
            raise ChoiceError(choice, f"{denoiser.title} has no {words}.", "Leave it empty.")


def _companion(
    need: Need, chosen: Mapping[str, Path], networks: tuple[Found, ...], candidates: Candidates, denoiser: Found
) -> Found:
    file = chosen.get(need.choice)
    if file is not None:
        fitting = [found for found in _identified(need.choice, file) if _fits(found, need)]
        if not fitting:
            raise _unfit(need, file, denoiser)
        return _of_prefix(fitting, need)
    inside = [found for found in networks if _fits(found, need)]
    if inside:
        return _of_prefix(inside, need)
    return _only(need, _search(need, candidates), denoiser)


def _of_prefix(fitting: list[Found], need: Need) -> Found:
    """Return the one of a checkpoint's networks that stands where the need's does, or else the first."""
    return next((found for found in fitting if found.prefix == need.prefix), fitting[0])


def _search(need: Need, candidates: Candidates) -> list[Found]:
    fitting: dict[tuple[str, ...], Found] = {}
    for file in candidates():
        try:
            found = identify(file)
        except WeightsError:
            continue  # a file that nobody chose may be anything
        fitting |= {network.files: network for network in found if _fits(network, need)}
    return list(fitting.values())


def _only(need: Need, fitting: list[Found], denoiser: Found) -> Found:
    if len(fitting) == 1:
        return fitting[0]
    words = need.choice.replace("_", " ")
    if not fitting:
        raise ChoiceError(
            need.choice,
            f"{denoiser.title} needs {_wanted(need)} as its {words}, and no file that fits was found.",
            "Choose its file, or put it into the folder of models.",
        )
    names = ", ".join(sorted(Path(found.files[0]).name for found in fitting))
    raise ChoiceError(need.choice, f"Several files can be {denoiser.title}'s {words}.", f"Choose one of {names}.")


def _fits(found: Found, need: Need) -> bool:
    config = found.configuration()
    return found.architecture == need.architecture and all(config.get(k) == v for k, v in need.fits.items())


def _unfit(need: Need, file: Path, denoiser: Found) -> ChoiceError:
    holds = " and ".join(found.title for found in identify(file))
    return ChoiceError(
        need.choice,
        f"{file.name} does not belong to this model: it holds {holds}, and {denoiser.title} needs {_wanted(need)}.",
        f"Choose the {need.choice.replace('_', ' ')} that was published for the model.",
    )


def _wanted(need: Need) -> str:
    sizes = " and ".join(f"{name.replace('_', ' ')} {value}" for name, value in need.fits.items())
    return f"{_TITLES[need.architecture]} of {sizes}" if sizes else _TITLES[need.architecture]


def _tokenizer(need: Need, encoder: Path, folders: Sequence[Path], *, sees: bool) -> Part:
    assert need.tokenizer is not None  # noqa: S101  (asked for by the caller)
    try:
        part = vocabularies.locate(*need.tokenizer, encoder, folders)
        if sees:
            vocabularies.check_sees(part)
    except WeightsError as error:
        raise ChoiceError(need.choice, error.message, error.hint) from error
    return part


_TITLES = {
    "umt5": "a UMT5 encoder",
    "t5": "a T5 encoder",
    "clip": "CLIP's text encoder",
    "llama": "a Llama 3",
    "clip_vision": "CLIP's image encoder",
    "llava_vision": "LLaVA's image encoder (llava_llama3_vision)",
    "wan_vae": "a Wan autoencoder",
    "ltx_vae": "an LTX-Video autoencoder",
    "hunyuan_vae": "a HunyuanVideo autoencoder",
    "cogvideox_vae": "a CogVideoX autoencoder",
    "image_vae": "an image autoencoder",
    "temporal_vae": "a Stable Video Diffusion autoencoder",
}
