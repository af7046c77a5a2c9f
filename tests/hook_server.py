#!/usr/bin/env python3
"""A small HTTP server for the examples of deploy/hooks: notes what arrives.

    hook_server.py DIRECTORY [STATUS]

Prints its port; each request becomes a file DIRECTORY/N.json."""
import http.server
import json
import os
import sys

where = sys.argv[1]
status = int(sys.argv[2]) if len(sys.argv) > 2 else 201
count = 0


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global count
        body = self.rfile.read(int(self.headers["Content-Length"]))
        count += 1
        with open(f"{where}/{count}.new", "w") as f:
            json.dump({"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()},
                       "body": json.loads(body)}, f)
        os.rename(f"{where}/{count}.new", f"{where}/{count}.json")
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
