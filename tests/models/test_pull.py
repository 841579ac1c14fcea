"""Fetching a model: resumed, checked, only what was asked for, and never from where it is not allowed."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save

from server.models.errors import ModelError
from server.models.pull import address, pull
from tests.cli.conftest import CommandLine

CONTENT = save({"a": torch.arange(300_000, dtype=torch.float32)})
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Site:
    """A server of one file on this machine.

    Attributes:
        cut_after: Bytes after which the next answer breaks off; 0 is never.
        etag: Of the file.
        redirect: Where it sends, instead of answering.
        ranges: The Range headers that it saw.
    """

    base: str = ""
    cut_after: int = 0
    etag: str = '"one"'
    redirect: str = ""
    linked: str = ""
    content: bytes = CONTENT
    ranges: list[str | None] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    state = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.ranges.append(self.headers.get("Range"))
            if state.redirect and self.path == "/moved.safetensors":
                self.send_response(302)
                self.send_header("Location", state.redirect)
                if state.linked:
                    self.send_header("X-Linked-ETag", f'"{state.linked}"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if self.path == "/none.safetensors":
                self.send_error(404)
                return
            start = 0
            wanted = self.headers.get("Range")
            if wanted and self.headers.get("If-Range") == state.etag:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
            body = state.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", state.etag)
            self.end_headers()
            if state.cut_after:
                self.wfile.write(body[: state.cut_after])
                state.cut_after = 0
                self.close_connection = True
                return
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.base = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_comes_whole_and_its_hash_is_told(site: Site, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    target = tmp_path / "vae" / "x.safetensors"
    pulled = pull(
        f"{site.base}/x.safetensors", target, sha256=SHA256.upper(), private=True, progress=lambda *a: seen.append(a)
    )
    assert (pulled.path, pulled.sha256) == (target, SHA256)
    assert target.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert list(target.parent.iterdir()) == [target]
    with pytest.raises(ModelError, match="is there already"):
        pull(f"{site.base}/x.safetensors", target, private=True)


def test_what_broke_off_goes_on_where_it_stopped(site: Site, tmp_path: Path) -> None:
    target, site.cut_after = tmp_path / "x.safetensors", 500_000
    with pytest.raises(ModelError, match="Say the same again"):
        pull(f"{site.base}/x.safetensors", target, private=True)
    part = target.with_name("x.safetensors.part")
    have = part.stat().st_size
    assert 0 < have <= 500_000
    assert pull(f"{site.base}/x.safetensors", target, sha256=SHA256, private=True).sha256 == SHA256
    assert site.ranges == [None, f"bytes={have}-"]
    assert not part.exists()


def test_a_file_that_changed_meanwhile_begins_anew(site: Site, tmp_path: Path) -> None:
    target, site.cut_after = tmp_path / "x.safetensors", 500_000
    with pytest.raises(ModelError):
        pull(f"{site.base}/x.safetensors", target, private=True)
    site.etag, site.content = '"two"', CONTENT[::-1]
    pull(f"{site.base}/x.safetensors", target, private=True)
    assert target.read_bytes() == CONTENT[::-1]


def test_what_is_not_what_was_wanted_is_thrown_away(site: Site, tmp_path: Path) -> None:
    for wanted, told in (("0" * 64, ""), ("", "1" * 64)):
        site.redirect, site.linked = f"{site.base}/x.safetensors", told
        with pytest.raises(ModelError, match=f"its SHA-256 is {SHA256}"):
            pull(f"{site.base}/moved.safetensors", tmp_path / "x.safetensors", sha256=wanted, private=True)
        assert list(tmp_path.iterdir()) == []
    site.linked = SHA256
    assert pull(f"{site.base}/moved.safetensors", tmp_path / "x.safetensors", private=True).sha256 == SHA256


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("https://127.0.0.1/x.safetensors", "an address inside a network"),
        ("https://[::1]/x.safetensors", "an address inside a network"),
        ("https://169.254.169.254/x.safetensors", "an address inside a network"),
        ("https://10.0.0.1/x.safetensors", "an address inside a network"),
        ("https://localhost/x.safetensors", "an address inside a network"),
        ("http://1.1.1.1/x.safetensors", "is not https"),
        ("file:///etc/passwd", "is no address"),
        ("hf:owner", "is no address"),
        ("x.safetensors", "is no address"),
    ],
)
def test_what_is_not_allowed_is_not_asked_for(source: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=words):
        pull(source, tmp_path / "x.safetensors")


def test_a_redirect_is_judged_like_the_first_address(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.models import pull as module

    judged: list[str] = []
    true_check = module._Transfer._check_address

    def check(self: Any, url: str) -> None:
        judged.append(url)
        true_check(self, url)

    monkeypatch.setattr(module._Transfer, "_check_address", check)
    site.redirect = "ftp://127.0.0.1/x.safetensors"
    with pytest.raises(ModelError, match="is not https"):
        pull(f"{site.base}/moved.safetensors", tmp_path / "x.safetensors", private=True)
    site.redirect = f"{site.base}/moved.safetensors"
    with pytest.raises(ModelError, match="leads in circles"):
        pull(f"{site.base}/moved.safetensors", tmp_path / "x.safetensors", private=True)
    assert len(judged) == 2 + 6


def test_pickles_and_missing_files_are_refused(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="pickles could run code"):
        pull(f"{site.base}/x.ckpt", tmp_path / "x.ckpt", private=True)
    with pytest.raises(ModelError, match="answered 404"):
        pull(f"{site.base}/none.safetensors", tmp_path / "x.safetensors", private=True)


def test_a_name_on_the_hub_becomes_its_address() -> None:
    assert address("hf:Comfy-Org/Wan_2.1/split_files/vae/wan.safetensors") == (
        "https://huggingface.co/Comfy-Org/Wan_2.1/resolve/main/split_files/vae/wan.safetensors"
    )


def test_the_command_lists_shows_and_pulls_only_when_allowed(kinegraph: CommandLine, site: Site) -> None:
    source = f"{site.base}/x.safetensors"
    refused = kinegraph("models", "pull", source)
    assert refused.returncode == 1
    assert "KINEGRAPH_ALLOW_NETWORK=1" in refused.stderr
    assert site.ranges == []
    extra = {"KINEGRAPH_ALLOW_NETWORK": "1", "KINEGRAPH_ALLOW_PRIVATE_NETWORK": "yes"}
    allowed = CommandLine(kinegraph.home, kinegraph.cwd, extra)
    outside = allowed("models", "pull", source, "--to", "../x.safetensors")
    assert (outside.returncode, "outside the models folder" in outside.stderr) == (2, True)
    done = allowed("models", "pull", source, "--to", "vae/x.safetensors", "--sha256", SHA256, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sha256"] == SHA256
    listed = kinegraph("models", "list", "--json")
    (row,) = [row for row in json.loads(listed.stdout)["models"] if row["name"].startswith("vae/")]
    assert (row["sha256"], row["what"]) == (SHA256, "x.safetensors holds no network that is known.")
    shown = kinegraph("models", "show", "vae/x.safetensors")
    assert SHA256 in shown.stdout
    assert kinegraph("models", "show", f"sha256:{SHA256}").stdout == shown.stdout
    assert kinegraph("models", "show", "none").returncode == 1


def test_weights_come_only_when_allowed_from_an_address_with_a_known_content(
    kinegraph: CommandLine, site: Site, tmp_path: Path
) -> None:
    source = f"{site.base}/net.pth"
    torch.save({"params_ema": {"a": torch.arange(3.0)}}, tmp_path / "net.pth")
    site.content = (tmp_path / "net.pth").read_bytes()
    digest = hashlib.sha256(site.content).hexdigest()
    for arguments in (("rife",), (source, "--sha256", digest)):
        refused = kinegraph("weights", "get", *arguments)
        assert (refused.returncode, site.ranges) == (1, [])
        assert "needs the network; set KINEGRAPH_ALLOW_NETWORK=1" in refused.stderr
    extra = {"KINEGRAPH_ALLOW_NETWORK": "1", "KINEGRAPH_ALLOW_PRIVATE_NETWORK": "1"}
    allowed = CommandLine(kinegraph.home, kinegraph.cwd, extra)
    unknown = allowed("weights", "get", source)
    assert (unknown.returncode, "--sha256" in unknown.stderr, site.ranges) == (2, True, [])
    other = allowed("weights", "get", source, "--sha256", SHA256)
    assert (other.returncode, "not what was wanted" in other.stderr) == (1, True)
    done = allowed("weights", "get", source, "--sha256", digest)
    assert done.returncode == 0, done.stderr
    models = kinegraph.home / "models"
    assert [path.name for path in models.iterdir()] == ["net.safetensors"]
    assert torch.equal(load_file(models / "net.safetensors")["a"], torch.arange(3.0))
    assert allowed("weights", "get", source, "--sha256", digest).returncode == 2


@pytest.fixture
def kinegraph(tmp_path: Path) -> CommandLine:
    (tmp_path / "work").mkdir()
    return CommandLine(tmp_path / "home", tmp_path / "work", {"HF_HUB_CACHE": str(tmp_path / "hub")})
