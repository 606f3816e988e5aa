# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd makes of a unit. Expected values are those of systemd 252."""

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import process, unit_file


def test_the_files_of_a_unit_override_its_environment(tmp_path):
    (tmp_path / "proxy").write_text('# HTTP_PROXY=old\nNO_PROXY="a,b"\n\nHTTP_PROXY=file\nnot "closed\n')
    shown = [
        ("Environment", '"HTTP_PROXY=unit" HTTPS_PROXY=unit "PRICE=\\$5"'),
        ("EnvironmentFiles", f"{tmp_path}/pro* (ignore_errors=yes)"),
    ]
    found = unit_file.environment(shown)
    assert process.proxies(found) == {"http": "file", "https": "unit", "no": "a,b"}
    assert "PRICE=$5" in found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# c\n K1 = a b  c  \n", ["K1=a b  c"]),
        ('K2="q \\"x\\" \\$y \\z" tail \n', ['K2=q "x" $y \\ztail']),
        ("K3='si ngle'\"dd\"\n", ["K3=si ngledd"]),
        ("K4=a\\\nb\nK5=c", ["K4=ab", "K5=c"]),
        ('K5=a"b"c # no comment\n', ['K5=a"b"c # no comment']),
        (";K6=1\nexport K7=2\nK8=\nK9=x\n", ["K8=", "K9=x"]),
        ('K="a\\\nb"', ["K=ab"]),
    ],
)
def test_environment_files_are_read_as_systemd_reads_them(text, found):
    assert unit_file.file_environment(text) == found


@pytest.mark.parametrize(
    ("words", "found", "are_set"),
    [
        (["a", "${A}${B}", "x${C}y"], ["a", "1b c", "xy"], False),
        (["$B", "$A", "x$A", "$$A", "${A}$$"], ["b", "c", "1", "x$A", "$A", "1$"], True),
        (["$C", "z"], ["z"], False),
        ([], [], True),
    ],
)
def test_variables_in_a_command(words, found, are_set):
    assert unit_file.expand(words, ["A=0", "A=1", "B=b c"]) == found
    assert unit_file.are_set(words, ["A=0", "A=1", "B=b c"]) == are_set


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("{ path=/bin/x ; argv[]=/bin/x -a ; ignore_errors=no ; start_time=[n/a] ; pid=0 }", ["/bin/x", "-a"]),
        ("{ path=/bin/x ; argv[]=/bin/x a ; b ; ignore_errors=no ; pid=0 }", ["/bin/x", "a", ";", "b"]),
        ("", []),
    ],
)
def test_the_command_of_a_unit(shown, found):
    assert unit_file.command([("ExecStart", shown)]) == found
