# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to a node in every execution, and what is imported, which each run compiles again on both sides."""

from __future__ import annotations

import ast
import subprocess
import sys
import zlib
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
MODULE = PLUGINS / "modules" / "containerd_node.py"
CHANGE = PLUGINS / "modules" / "containerd_node_change.py"
MAX_BYTES = 69_000  # compressed; raise it knowingly: every node gets this

READ = """
import sys, types
for name in ("ansible", "ansible.module_utils", "ansible.module_utils.basic"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["ansible.module_utils.basic"].AnsibleModule = None
from ansible_collections.airgap.containerd.plugins.modules import containerd_node
containerd_node.part("observe")
print(*(name.partition(".module_utils.")[2] or name for name in sys.modules))
"""
DECIDE = """
import sys
from ansible_collections.airgap.containerd.plugins.action import containerd_registry
print(*(name.partition(".module_utils.")[2] for name in sys.modules if ".containerd.plugins.module_utils._" in name))
"""


def dragged_in(file: Path) -> set[Path]:
    """The module_utils that ansible-core packs with a file: all that it imports anywhere."""
    found: set[Path] = set()
    todo = [file]
    while todo:
        for statement in ast.walk(ast.parse(todo.pop().read_text())):
            if isinstance(statement, ast.ImportFrom) and ".plugins.module_utils." in (statement.module or ""):
                place = PLUGINS / "module_utils" / statement.module.partition(".module_utils.")[2].replace(".", "/")
                names = [place / f"{each.name}.py" for each in statement.names] if place.is_dir() else []
                files = set(names or [place.with_suffix(".py")]) - found
                found |= files
                todo += files
    return found


def test_the_payload_stays_small():
    files = dragged_in(MODULE)
    assert PLUGINS / "module_utils" / "_change" / "transaction.py" in dragged_in(CHANGE) - files, (
        "only where it is needed"
    )
    assert PLUGINS / "module_utils" / "_cri" / "hpack.py" in files, "what is imported by others counts too"
    assert sum(len(zlib.compress(file.read_bytes())) for file in {MODULE, *files}) <= MAX_BYTES


def printed(program: str) -> set[str]:
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )


def test_reading_a_node_imports_no_more_than_it_needs():
    imported = printed(READ)
    assert "_node.observe" in imported
    assert not imported & {
        "_change.transaction",
        "_change.edit",
        "_cri.pull",
        "_registry",
        "http.client",
        "ssl",
        "email",
    }


def test_the_controller_imports_nothing_that_only_nodes_need():
    assert printed(DECIDE) == {
        "_shared",
        "_shared.edits",
        "_shared.masking",
        "_shared.messages",
        "_shared.places",
        "_shared.verdicts",
        "_shared.wire",
    }
