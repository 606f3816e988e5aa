# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the page, the JSON file and the table of what a fleet pulls; no node is asked anything."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.common.text.converters import to_bytes
from ansible.utils.display import Display

from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import document, page, table


class ActionModule(Action):
    """Gather, write, print."""

    argument_spec = {
        "results": {"type": "dict", "required": True},
        "harbor": {"type": "dict"},
        "dest": {"type": "path", "required": True},
    }

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if not args["results"]:
            raise Refusal("results: there is none, so no node was asked")
        created = datetime.now(timezone.utc).isoformat(timespec="seconds")
        found = document.document(args["results"], created, args["harbor"])
        files = {
            "page": os.path.join(args["dest"], "verify.html"),
            "json": os.path.join(args["dest"], "verify.json"),
        }
        if not self._task.check_mode:
            _write(files["page"], page.page(found))
            _write(files["json"], json.dumps(found, indent=1, sort_keys=True) + "\n")
        told = [] if self._task.check_mode else [f"Page: {files['page']}"]
        Display().display("\n".join(["", *table.table(found), *told]))
        return {
            "changed": False,
            "failed": not found["ok"],
            "msg": table.closing(found),
            **files,
        }


def _write(path: str, text: str) -> None:
    """Replace a file on the controller, as a whole or not at all."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(f"{path}.new", "wb") as handle:
            handle.write(to_bytes(text))
        os.replace(f"{path}.new", path)
    except OSError as exc:
        raise Refusal(f"dest: {path} cannot be written: {exc.strerror}") from exc
