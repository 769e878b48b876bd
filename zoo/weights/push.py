"""Put weights on the Hugging Face hub: the file, its preprocessing as JSON, and a page about it."""

import json
import os
import re
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.printable import one_line, quoted
from zoo.runtime.atomic_files import replacing
from zoo.runtime.system_errors import reason
from zoo.runtime.web.hub import check_installed
from zoo.runtime.web.url import parse_url, redacted
from zoo.weights.files import Weights, save
from zoo.weights.model_card import LIBRARY, CardFacts, model_card

REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"


def write_repository(folder: str | Path, weights: Weights, repository: str, facts: CardFacts | None = None) -> None:
    """Write what `push` uploads into a folder: model.safetensors, config.json and README.md.

    Raises ZooError for what is no name OWNER/NAME of a repository, and where a file cannot be written.
    """
    _check_repository(repository)
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ZooError(f"cannot make the folder {folder}: {reason(error)}") from None
    save(folder / WEIGHTS, weights)
    texts = {CONFIG: json.dumps(_config(weights), indent=2) + "\n"}
    texts[CARD] = model_card(weights, repository, facts or CardFacts())
    for name, text in texts.items():
        with replacing(folder / name) as unfinished:
            unfinished.write_text(text, encoding="utf-8")


def push(
    weights: Weights,
    repository: str,
    *,
    facts: CardFacts | None = None,
    private: bool = False,
    branch: str = "main",
    message: str = "",
) -> str:
    """Upload weights to OWNER/NAME at the hub, which is made where it does not exist; the address of the commit.

    `zoo.load_pretrained("hf://OWNER/NAME")` reads them back. The page says what `facts` has. A README.md that is there
    is replaced. `private` is for a new repository, `branch` is made where it does not exist. The token is that of
    HF_TOKEN or of `hf auth login`; HF_ENDPOINT is another hub. Raises ZooError where huggingface_hub is not
    installed, and where the hub refuses.
    """
    _check_repository(repository)
    check_installed(repository, "write the files into a folder with --out")
    from huggingface_hub import HfApi, get_token

    endpoint = os.environ.get("HF_ENDPOINT")
    if endpoint:
        parse_url(endpoint)
    if not get_token():
        raise ZooError("the hub needs to know who you are: set HF_TOKEN, or log in with `hf auth login`")
    hub = HfApi(endpoint, library_name=LIBRARY)
    with tempfile.TemporaryDirectory() as folder:
        write_repository(folder, weights, repository, facts)
        try:
            hub.create_repo(repository, private=private or None, exist_ok=True)
            if branch != "main":
                hub.create_branch(repository, branch=branch, exist_ok=True)
            done = hub.upload_folder(
                repo_id=repository,
                folder_path=folder,
                revision=branch,
                commit_message=message or f"Weights of {weights.model}",
            )
        except Exception as error:  # the class depends on the HTTP library that huggingface_hub uses
            raise ZooError(_refusal(error, repository)) from None
    return str(done.commit_url)


def _check_repository(repository: str) -> None:
    if not REPOSITORY.fullmatch(repository):
        raise ZooError(f"{quoted(repository)} is no name of a repository: write OWNER/NAME")


def _config(weights: Weights) -> dict[str, Any]:
    """What a program without zoo needs to use the file; zoo itself reads the same from the file."""
    return {
        "library_name": LIBRARY,
        "model": weights.model,
        "fields": dict(weights.fields),
        "preprocessing": asdict(weights.preprocessing),
        "class_names": weights.class_names,
    }


def _refusal(error: Exception, repository: str) -> str:
    text = str(error)
    if "/xet-write-token/" in text and "404" in text:
        return (
            f"the hub has no protocol xet for {repository}, which huggingface_hub uses for large files where hf_xet is "
            "installed: set HF_HUB_DISABLE_XET=1 in the environment"
        )
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return f"the hub does not let you write to {repository}: use a token with the right to write, or your own name"
    if status:
        return f"the hub responded with {status} for {repository}: {redacted(one_line(error, 100))}"
    return f"cannot reach the hub for {repository} ({redacted(one_line(error, 100))}): write a folder with --out"
