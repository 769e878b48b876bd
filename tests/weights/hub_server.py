"""A stand-in of the Hugging Face hub's HTTP interface: repositories of models that are made, written and read."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_secret"


@dataclass
class Hub:
    """`repositories` have {branch or commit: {file: content}}; `objects` are large files by SHA-256."""

    address: str = ""
    repositories: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    status: int | None = None
    wrong_config: bool = False

    def commit(self, repository: str, files: dict[str, bytes], branch: str = "main") -> str:
        """Write files, and give the commit."""
        revisions = self.repositories.setdefault(repository, {})
        revisions[branch] = {**revisions.get(branch, {}), **files}
        listed = json.dumps({name: hashlib.sha1(content).hexdigest() for name, content in revisions[branch].items()})
        commit = hashlib.sha1(listed.encode()).hexdigest()
        revisions[commit] = revisions[branch]
        return commit

    def commit_of(self, repository: str, revision: str) -> str:
        """The commit that a branch is."""
        revisions = self.repositories[repository]
        return next(name for name, files in revisions.items() if len(name) == 40 and files == revisions[revision])


def is_large(name: str) -> bool:
    return name.endswith((".safetensors", ".bin"))


def handler_of(hub: Hub) -> type[BaseHTTPRequestHandler]:
    """What answers for the hub."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self, content: bytes | dict, status: int = 200) -> None:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append(f"GET {path}")
            if hub.status:
                return self.answer({}, hub.status)
            if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
                return self.info(match[1], match[2] or "main")
            if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([0-9a-f]{40})/(.+)", path):
                content = hub.repositories[match[1]][match[2]][match[3]]
                wrong = hub.wrong_config and match[3] == "config.json"
                return self.answer(content[::-1] if wrong else content)
            self.answer({}, 404)

        def info(self, repository: str, revision: str) -> None:
            if revision not in hub.repositories.get(repository, {}):
                return self.answer({"error": "not found"}, 404)
            siblings = []
            for name, content in hub.repositories[repository][revision].items():
                digest = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
                one = {"rfilename": name, "size": len(content), "blobId": digest}
                if is_large(name):
                    one["lfs"] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 1}
                siblings.append(one)
            sha = hub.commit_of(repository, revision)
            self.answer({"id": repository, "modelId": repository, "sha": sha, "siblings": siblings})

        def do_POST(self) -> None:
            path, body = unquote(urlsplit(self.path).path), self.body()
            hub.asked.append(f"POST {path}")
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self.answer({"error": "no token"}, 401)
            if hub.status:
                return self.answer({"error": "refused"}, hub.status)
            if path == "/api/validate-yaml":
                return self.answer({"errors": [], "warnings": []})
            if path == "/api/repos/create":
                return self.create(json.loads(body))
            if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/branch/(.+)", path):
                revisions = hub.repositories[match[1]]
                revisions[match[2]] = dict(revisions.get("main", {}))
                return self.answer({})
            if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/(.+)", path):
                asked = [one["path"] for one in json.loads(body)["files"]]
                mode = {name: "lfs" if is_large(name) else "regular" for name in asked}
                files = [{"path": name, "uploadMode": mode[name], "shouldIgnore": False} for name in asked]
                return self.answer({"files": files})
            if match := re.fullmatch(r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
                return self.batch(json.loads(body)["objects"])
            if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/(.+)", path):
                return self.commit(match[1], match[2], body)
            self.answer({}, 404)

        def create(self, asked: dict) -> None:
            repository = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            if repository in hub.repositories:
                return self.answer({"error": "exists", "url": f"{hub.address}/{repository}"}, 409)
            hub.repositories[repository], hub.private[repository] = {}, asked.get("visibility") == "private"
            self.answer({"url": f"{hub.address}/{repository}"})

        def batch(self, objects: list[dict]) -> None:
            found = [
                {**one, "actions": {"upload": {"href": f"{hub.address}/objects/{one['oid']}"}}}
                for one in objects
                if one["oid"] not in hub.objects
            ]
            self.answer({"transfer": "basic", "objects": found})

        def commit(self, repository: str, branch: str, body: bytes) -> None:
            files = {}
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
                elif line["key"] == "lfsFile":
                    files[line["value"]["path"]] = hub.objects[line["value"]["oid"]]
            commit = hub.commit(repository, files, branch)
            self.answer({"commitUrl": f"{hub.address}/{repository}/commit/{commit}", "commitOid": commit})

        def do_PUT(self) -> None:
            content = self.body()
            hub.objects[hashlib.sha256(content).hexdigest()] = content
            self.answer({})

        def log_message(self, *arguments) -> None:
            pass

    return Handler


@contextmanager
def serving_hub() -> Iterator[Hub]:
    """A hub on a free port of this machine."""
    hub = Hub()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_of(hub)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        hub.address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
