# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a configuration consists of, found without a TOML parser."""

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import imports


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ('imports = ["a", \'b\'] # "c"\n[x]\n', ["a", "b"]),
        ('\t"imports"=[ # "no"\n  "a",\n  \'b\', # "no"\n]\nx = ["y"]\n', ["a", "b"]),
        ('imports = ["/\\u0061/\\"b.toml"]\n', ['/a/"b.toml']),
        ('a.imports = ["x"]\n# imports = ["y"]\nimports = []\n', []),
    ],
)
def test_patterns_of_imports(text, right):
    assert imports.patterns(text.encode()) == right


def test_all_files_that_an_import_leads_to(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "config.toml").write_text('imports = ["conf.d/*.toml", "a[1].toml"]\n')
    (tmp_path / "conf.d" / "x.toml").write_text('imports = ["deep.toml", "../config.toml"]\n')
    (tmp_path / "conf.d" / "deep.toml").write_text("")
    (tmp_path / "a[1].toml").write_text("")
    main = str(tmp_path / "config.toml")
    found = [each.path[len(str(tmp_path)) + 1 :] for each in imports.configuration(main, main)]
    assert found == ["config.toml", "conf.d/deep.toml", "conf.d/x.toml", "a[1].toml"]


def test_a_pattern_finds_what_containerd_finds(tmp_path):
    for name in ("conf.d/.hidden.toml", "conf.d/zq.toml", "other/zq.toml", "conf.d/[q].toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "broken.toml").symlink_to("nowhere")
    main = tmp_path / "config.toml"
    main.write_text('imports = ["*/[^.[]q.toml", "conf.d/.*", "b*.toml"]')
    found = [each.path[len(str(tmp_path)) + 1 :] for each in imports.configuration(str(main), str(main))]
    assert found == ["config.toml", "conf.d/zq.toml", "other/zq.toml", "conf.d/.hidden.toml"]


def test_too_many_imports(tmp_path, monkeypatch):
    monkeypatch.setattr(imports, "MAX_IMPORTS", 3)
    for name in "abcd":
        (tmp_path / f"{name}.toml").touch()
    main = tmp_path / "config.toml"
    main.write_text('imports = ["*.toml"]')
    with pytest.raises(OSError, match="imports more than 3 files"):
        imports.configuration(str(main), str(main))
