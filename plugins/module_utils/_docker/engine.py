# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker Engine's own API on its unix socket, as far as it is needed here."""

import http.client
import json
import socket
import time

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places

MAX_REPLY = 16 * 1024 * 1024  # bytes; the stream of a pull has a line for each step


class EngineError(Exception):
    """Docker did not do it; ``status`` is 0 where it does not answer."""

    def __init__(self, status, message):
        super(EngineError, self).__init__(message)
        self.status = status
        self.message = message


class _Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(places.DOCKER)


def ask(method, path, timeout, headers=None):
    """Return the text of an answer of the engine; raises EngineError."""
    connection = _Connection("docker", timeout=timeout)
    try:
        connection.request(method, path, headers=headers or {})
        reply = connection.getresponse()
        text = b"".join(_chunks(reply, time.monotonic() + timeout)).decode("utf-8", "replace")
    except socket.timeout:
        raise EngineError(0, "no answer in %d s" % timeout) from None
    except (OSError, http.client.HTTPException) as exc:
        raise EngineError(0, getattr(exc, "strerror", None) or str(exc) or type(exc).__name__) from None
    finally:
        connection.close()
    if reply.status >= 400:
        raise EngineError(reply.status, _message(text))
    return text


def _chunks(reply, deadline):
    """Yield an answer as it comes; raises socket.timeout where a stream does not end in time."""
    size = 0
    while size < MAX_REPLY:
        chunk = reply.read1(65536)
        if not chunk:
            return
        size += len(chunk)
        yield chunk
        if time.monotonic() > deadline:
            raise socket.timeout()


def asked(method, path, timeout):
    """Return an answer that is JSON, an object; raises EngineError."""
    found = _parsed(ask(method, path, timeout))
    if not isinstance(found, dict):
        raise EngineError(0, "the answer is not a JSON object")
    return found


def listed(method, path, timeout):
    """Return an answer that is JSON, a list of objects; raises EngineError."""
    found = _parsed(ask(method, path, timeout))
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise EngineError(0, "the answer is not a JSON list of objects")
    return found


def _parsed(text):
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _message(text):
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return text.strip() or "no reason given"
