# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a robot account expires, according to Harbor's API."""

import http.server
import json
import threading

from web_server import WebServer

from ansible_collections.airgap.containerd.plugins.module_utils._registry import harbor

LOGIN = "Basic eDp5"
HARBOR = {"projects": ["p"], "login": LOGIN, "reader": LOGIN, "tls": {}}


def ask(robot, answers):
    """Return the result for a robot of a Harbor with these answers by path prefix, and the requests."""
    asked = []

    class Harbor(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            found = next((body for start, body in answers.items() if self.path.startswith(start)), None)
            body = json.dumps({"errors": [{"code": "NOT_FOUND"}]} if found is None else found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if self.command == "GET" else b"")

        do_HEAD = do_GET

        def log_message(self, *dummy):
            pass

    server = WebServer(("127.0.0.1", 0), Harbor)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        told = harbor.look({"harbors": [dict(HARBOR, url=url, robot=robot)]})
    finally:
        server.shutdown()
        server.server_close()
    return told["robots"], [path for path in asked if "/robots" in path]


PROJECT = {"/api/v2.0/projects/": {"project_id": 7}}
ROBOT = {"name": "robot$puller", "expires_at": 12, "disable": False}


def test_a_robot_of_the_system():
    others = [{"name": "robot$puller2", "expires_at": 1}, 3, None]
    told, asked = ask("robot$puller", dict(PROJECT, **{"/api/v2.0/robots": others + [ROBOT]}))
    assert told == [{"expires_at": 12, "disabled": False}]
    assert asked == ["/api/v2.0/robots?page_size=100&q=name%3D~puller"]


def test_a_robot_of_a_project():
    there = {"name": "robot$quay+puller", "expires_at": -1, "disable": True}
    told, asked = ask("robot$quay+puller", dict(PROJECT, **{"/api/v2.0/robots": [there]}))
    assert told == [{"expires_at": -1, "disabled": True}]
    assert asked == ["/api/v2.0/robots?page_size=100&q=name%3D~puller%2CLevel%3Dproject%2CProjectID%3D7"]


def test_what_may_not_be_seen():
    for answers in ({}, PROJECT, dict(PROJECT, **{"/api/v2.0/robots": {"errors": []}})):
        assert ask("robot$quay+puller", answers)[0] == [None]
    odd = dict(ROBOT, expires_at="soon", disable="no")
    assert ask("robot$puller", dict(PROJECT, **{"/api/v2.0/robots": [odd]}))[0] == [
        {"expires_at": None, "disabled": False}
    ]
    assert ask(None, PROJECT) == ([None], []) and ask("robot$a,b=c", PROJECT) == ([None], [])
