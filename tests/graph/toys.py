"""A small catalogue of toy nodes, and strategies that make documents. No test is here."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from hypothesis import strategies as st

from server.kit import Number, Slider, SocketType, node
from server.kit.catalogue import Catalogue

T = TypeVar("T")


class Paint: ...


class Picture: ...


class Split(NamedTuple):
    left: Picture
    paint: Paint


@node(category="test")
def mix(*, amount: Annotated[int, Slider(1, 100)] = 10, name: str = "red") -> Paint:
    """Mix paint."""
    return Paint()


@node(category="test")
def draw(
    paint: Paint,
    base: Picture | None = None,
    *,
    width: Annotated[int, Number(16, 4096, multiple_of=16)] = 64,
    opacity: float = 1,
    style: Literal["oil", "water"] = "oil",
    caption: str | None = None,
    is_loud: bool = False,
) -> Picture:
    """Draw a picture."""
    return Picture()


@node(category="test", version=3)
def blur(picture: Picture, *, radius: float) -> Picture:
    """Blur a picture."""
    return picture


@blur.migration(from_version=1)
def _size_became_sigma(inputs: dict[str, object]) -> dict[str, object]:
    if "size" in inputs:
        inputs["sigma"] = inputs.pop("size")
    return inputs


@blur.migration(from_version=2)
def _sigma_became_radius(inputs: dict[str, object]) -> dict[str, object]:
    if "sigma" in inputs:
        inputs["radius"] = inputs.pop("sigma")
    return {"picture": inputs.pop("picture", None), **inputs}


@node(category="test")
def split(picture: Picture) -> Split:
    """Split a picture."""
    return Split(picture, Paint())


@node(category="test")
def look(value: Any) -> Any:
    """Pass anything on."""
    return value


@node(category="test")
def switch(first: T, second: T, *, take_second: bool = False) -> T:
    """Pass on one of two."""
    return second if take_second else first


@node(category="test", sink=True)
def hang(picture: Picture, *, title: str = "") -> None:
    """Hang a picture up."""


NODES = (mix, draw, blur, split, look, switch, hang)
CATALOGUE = Catalogue(
    nodes={toy.definition.id: toy.definition for toy in NODES},
    sockets={
        "Paint": SocketType("Paint", Paint, "#ff0000", "Paint."),
        "Picture": SocketType("Picture", Picture, "#00ff00", "A picture."),
    },
)


def link(node_id: str, output: str) -> dict[str, object]:
    return {"link": [node_id, output]}


def document(nodes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"kinegraph": 1, **fields, "nodes": nodes}


def gallery() -> dict[str, Any]:
    """Return a valid document: mix -> draw -> blur -> hang."""
    return document(
        {
            "red": {"type": "mix", "version": 1, "at": [0, 0], "inputs": {"amount": 20}},
            "sketch": {"type": "draw", "version": 1, "at": [200, 0], "inputs": {"paint": link("red", "paint")}},
            "soft": {
                "type": "blur",
                "version": 3,
                "inputs": {"picture": link("sketch", "picture"), "radius": 2},
            },
            "wall": {"type": "hang", "version": 1, "inputs": {"picture": link("soft", "picture")}},
        },
        title="Gallery",
        inputs={"amount": {"node": "red", "input": "amount", "title": "How much"}},
        outputs={"picture": {"node": "soft", "output": "picture"}},
    )


texts = st.text(st.characters(codec="utf-8"), max_size=12)
numbers = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
ids = st.text(
    st.characters(codec="utf-8", exclude_characters="/", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8
)
names = st.text(
    st.characters(codec="utf-8", exclude_characters="=", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8
)


@st.composite
def _records(draw: st.DrawFn, known: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Draw an object with some of the known fields and some unknown ones, in any order."""
    unknown = st.dictionaries(texts.filter(lambda name: name not in known), json_values, max_size=2)
    fields = {name: draw(value) for name, value in known.items() if name in required or draw(st.booleans())}
    fields |= {name: value for name, value in draw(unknown).items() if name not in known}
    return dict(draw(st.permutations(list(fields.items()))))


constants = json_values.filter(lambda value: not (isinstance(value, dict) and "link" in value))
links = _records({"link": st.tuples(texts, texts).map(list)}, ("link",))
nodes = _records(
    {
        "type": st.sampled_from([toy.definition.id for toy in NODES]) | texts | st.just("subgraph/x"),
        "version": st.integers(1, 9),
        "inputs": st.dictionaries(texts, constants | links, max_size=3),
        "title": texts,
        "at": st.tuples(numbers, numbers).map(list),
        "mode": st.sampled_from(["run", "mute", "bypass"]),
    },
    ("type",),
)
exposed_inputs = _records({"node": texts, "input": texts, "title": texts}, ("node", "input"))
exposed_outputs = _records({"node": texts, "output": texts, "title": texts}, ("node", "output"))
_scope = {
    "title": texts,
    "inputs": st.dictionaries(names, exposed_inputs, max_size=2),
    "outputs": st.dictionaries(names, exposed_outputs, max_size=2),
    "nodes": st.dictionaries(ids, nodes, max_size=3),
}
subgraphs = _records(_scope)
objects = st.dictionaries(texts, json_values, max_size=3)
documents = _records(
    {
        "kinegraph": st.just(1),
        **_scope,
        "groups": st.lists(objects, max_size=2),
        "notes": st.lists(objects, max_size=2),
        "subgraphs": st.dictionaries(ids, subgraphs, max_size=2),
    },
    ("kinegraph",),
)
