# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options from variables, with ansible-core's own templates."""

from __future__ import annotations

import pytest
from ansible import template
from ansible.parsing.dataloader import DataLoader

from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import options as options_module
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

OLD = not hasattr(template, "trust_as_template")  # before ansible-core 2.19
SPEC = {"text": {"type": "str"}, "items": {"type": "list"}, "more": {"type": "dict"}, "yes": {"type": "bool"}}


def options(**values):
    trusted = {
        name: template.trust_as_template(value) if isinstance(value, str) and not OLD else value
        for name, value in values.items()
    }
    if OLD:
        trusted["omit"] = "__omit_place_holder__1"
    return options_module.from_variables(SPEC, "p_", trusted, template.Templar(loader=DataLoader(), variables=trusted))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, {}),
        ({"text": "no prefix", "p_other": 1}, {}),
        ({"p_text": None, "p_items": None}, {}),
        ({"p_text": "{{ omit }}", "p_yes": "{{ omit }}"}, {}),
        ({"p_yes": False, "p_items": [], "p_text": ""}, {"yes": False, "items": [], "text": ""}),
        ({"p_items": "{{ other }}", "other": ["a"]}, {"items": ["a"]}),
        ({"p_text": "{{ other }}", "other": "['a']"}, {"text": "['a']"}),  # a password may look like a list
        ({"p_text": "['a']"}, {"text": "['a']"}),
        ({"p_more": {"a": ["b"]}, "p_text": "{{ p_more.a[0] }}"}, {"more": {"a": ["b"]}, "text": "b"}),
    ],
)
def test_options(values, found):
    assert options(**values) == found


def test_what_is_undefined_is_an_error():
    with pytest.raises(Refusal, match="p_text: .*nobody"):
        options(p_text="{{ nobody }}")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, None),
        (["rc-service", "containerd", "restart"], ["rc-service", "containerd", "restart"]),
        ("rc-service containerd restart", ["rc-service", "containerd", "restart"]),
        ("sh -c 'sleep 1; svc -t /c'", ["sh", "-c", "sleep 1; svc -t /c"]),
    ],
)
def test_commands_are_words_or_split_as_a_shell_does(given, words):
    assert options_module.command(given, "restart_command") == words
