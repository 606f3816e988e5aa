# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""http.server.ThreadingHTTPServer, which Python 3.6 does not have."""

import http.server
import socketserver


class WebServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Answers every request in a thread of its own."""

    daemon_threads = True
