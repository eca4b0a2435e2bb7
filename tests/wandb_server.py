"""As much of a W&B server as its client needs to start a run; what a server does with the data is not played."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ENTITY = {"id": "entity", "name": "team"}
PROJECT = {"id": "project", "name": "diiqn-lightning", "entity": ENTITY}


def answer(query, variables, url):
    """What the server answers a GraphQL query with."""
    if "upsertBucket" in query:
        run = {"id": "run", "name": variables["name"], "displayName": "run", "description": None, "config": "{}"}
        run |= {"sweepName": None, "historyLineCount": 0, "project": PROJECT}
        return {"upsertBucket": {"bucket": run, "inserted": True}}
    if "createRunFiles" in query:
        files = [{"name": name, "uploadUrl": f"{url}/upload/{name}"} for name in variables["files"]]
        return {"createRunFiles": {"runID": "run", "uploadHeaders": [], "files": files}}
    if "viewer" in query:
        return {"viewer": {"id": "user", "entity": "team", "username": "user", "flags": "{}", "teams": {"edges": []}}}
    if "serverInfo" in query:
        return {"serverInfo": {"features": []}}
    return {}


class Handler(BaseHTTPRequestHandler):
    """Answers, and notes which paths were asked."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Nothing on the tests' standard error."""

    def do_POST(self):
        """GraphQL and the stream of a run's numbers."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.gone:  # connections that were open before are answered no more either
            self.close_connection = True
            return None
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if "graphql" in self.path:
            asked = json.loads(body)
            if "upsertBucket" in asked["query"]:
                self.server.runs.append(asked["variables"]["name"])
            return self._reply({"data": answer(asked["query"], asked.get("variables") or {}, self.server.url)})
        self.server.asked.append(self.path)
        if self.path.endswith("file_stream"):
            self.server.sent.append(body.decode())
        return self._reply({"exitcode": None, "limits": {}})

    def do_PUT(self):
        """Files, which are forgotten."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._reply({})

    def _reply(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class WandbServer:
    """A server on a port of its own, until it goes away."""

    def __init__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = self._server.url = f"http://127.0.0.1:{self._server.server_port}"
        self._server.asked, self._server.runs, self._server.sent, self._server.gone = [], [], [], False
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def has_numbers(self):
        """Whether a run has sent some."""
        return any(path.endswith("file_stream") for path in self._server.asked)

    @property
    def runs(self):
        """Ids of the runs that were started, gone on with or brought to date, one for each time."""
        return self._server.runs

    @property
    def sent(self):
        """All that runs have sent in their streams."""
        return "\n".join(self._server.sent)

    def go_away(self):
        """From here on nobody answers."""
        self._server.gone = True
        self._server.shutdown()
        self._server.server_close()
