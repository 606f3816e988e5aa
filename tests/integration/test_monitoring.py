# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports for other programs, read by those: Prometheus and node_exporter of Debian, a parser of JUnit, systemd."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import jsonschema
import pytest
import yaml
from airgap_lab import Lab
from junitparser import JUnitXml
from support import NODES, ROOT, SITE

from ansible_collections.airgap.containerd.plugins.plugin_utils._report.prometheus import METRICS, PREFIX

PLAYBOOK = SITE

VERIFY, SCHEDULE = "playbooks/verify.yml", "playbooks/schedule.yml"
MONITORING = ROOT / "docs" / "monitoring"
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())
FORMATS = ["html", "json", "junit", "markdown", "prometheus"]
IMAGES = ["docker.io/library/busybox:1", "quay.io/coreos/etcd:1"]
PACKAGES = ("prometheus", "prometheus-node-exporter")
HOSTS_TOML = "/etc/containerd/certs.d/{}/hosts.toml"


@pytest.fixture(scope="module")
def tools(tmp_path_factory) -> Path:
    """A folder with Debian's Prometheus and node_exporter, which are unpacked and not installed."""
    folder = tmp_path_factory.mktemp("prometheus")
    folder.chmod(0o755)
    found = subprocess.run(["apt-get", "-qq", "download", *PACKAGES], cwd=folder, check=False, capture_output=True)
    if found.returncode:
        pytest.skip(f"apt cannot download {', '.join(PACKAGES)}: {found.stderr.decode()[-200:]}")
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package.name, "."], cwd=folder, check=True)
    return folder / "usr" / "bin"


def promtool(tools: Path, *arguments: str, text: str = "") -> str:
    done = subprocess.run([tools / "promtool", *arguments], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Watch:
    """node_exporter with a folder of this test, and a Prometheus that scrapes it and has the rules."""

    def __init__(self, tools: Path, folder: Path):
        self.metrics = folder / "metrics"
        self.metrics.mkdir()
        self.ports = free_port(), free_port()
        exporter, prometheus = (f"127.0.0.1:{port}" for port in self.ports)
        config = {
            "global": {"scrape_interval": "500ms", "scrape_timeout": "400ms", "evaluation_interval": "500ms"},
            "rule_files": [str(MONITORING / "alerts.yml")],
            "scrape_configs": [{"job_name": "node", "static_configs": [{"targets": [exporter]}]}],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        commands = (
            [tools / "prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
             f"--collector.textfile.directory={self.metrics}", f"--web.listen-address={exporter}"],
            [tools / "prometheus", f"--config.file={folder}/prometheus.yml", f"--web.listen-address={prometheus}",
             f"--storage.tsdb.path={folder}/data"],
        )  # fmt: skip
        self.log = (folder / "log").open("w")
        self.running = [subprocess.Popen(command, stdout=self.log, stderr=self.log) for command in commands]

    def get(self, path: str, port: int = 1) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=10) as answer:
            return answer.read().decode()

    def firing(self) -> set[tuple[str, ...]]:
        """Return the alerts that fire, each as its name, its node, and its upstream; not what is said of releases."""
        alerts = json.loads(self.get("/api/v1/alerts"))["data"]["alerts"]
        names = ("alertname", "node", "upstream")
        return {
            tuple(each["labels"][name] for name in names if name in each["labels"])
            for each in alerts if each["state"] == "firing" and each["labels"]["severity"] != "info"
        }  # fmt: skip

    def wait(self, wanted: set[tuple[str, ...]]) -> None:
        """Wait until just these alerts fire."""
        seen: object = None
        for _attempt in range(120):
            time.sleep(0.5)
            try:
                seen = self.firing()
                value = json.loads(self.get(f"/api/v1/query?query=count({PREFIX}drift)"))["data"]["result"]
            except OSError as exc:
                seen = exc
                continue
            if seen == wanted and value:
                return
        raise AssertionError(f"{seen} fire, and not {wanted}")

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
            process.wait(timeout=20)
        self.log.close()


@pytest.fixture
def watch(tools, tmp_path):
    found = Watch(tools, tmp_path)
    yield found
    found.stop()


def test_alerts_fire_when_something_is_wrong_and_stop_when_it_is_mended(lab, play, tools, watch, tmp_path):
    lab.reset(*NODES)
    where = {
        "report_dir": str(tmp_path / "reports"), "report_metrics_dir": str(watch.metrics), "report_formats": FORMATS,
    }  # fmt: skip

    def check() -> tuple[int, int]:
        verified = play(playbook=VERIFY, verify_images=IMAGES, verify_pause=False, **where)
        planned = play("--check", fail_on_drift=True, **where)
        assert all(
            not each["changed"] for node, each in planned.stats.items() if node not in broken
        ), planned.output  # fmt: skip
        return verified.rc, planned.rc

    broken: dict[str, list[str]] = {}
    play(**where).ok()
    watch.wait(set())
    assert "AirgapReleaseOutOfSupport" in watch.get("/api/v1/alerts"), "n1 has a containerd 1.4"
    broken = {
        "n2": ["sed", "-i", 's/"Basic [^"]*/"Basic d3Jvbmc6d3Jvbmc=/', HOSTS_TOML.format("quay.io")],
        "n3": ["sh", "-c", f"echo '# by hand' >>{HOSTS_TOML.format('quay.io')}"],
        "n4": ["sh", "-c", f"echo 'server = ' >{HOSTS_TOML.format('docker.io')}"],
    }
    for node, command in broken.items():
        lab.run(node, command)
    assert check() == (2, 2)
    drifted = {("AirgapNodeDrift", node) for node in broken}
    watch.wait({*drifted, ("AirgapCredentialsRefused", "n2", "quay.io"), ("AirgapMirrorBypassed", "n4", "docker.io")})
    scraped = watch.get("/metrics", 0)
    assert f'{PREFIX}drift_cause{{cause="hand_edit",node="n3"}} 1' in scraped
    assert "node_textfile_scrape_error 0" in scraped
    _files(tools, tmp_path / "reports", watch.metrics)
    play(**where).ok()
    assert check() == (0, 0)
    watch.wait(set())


def _files(tools: Path, reports: Path, metrics: Path) -> None:
    """Read every file of two checks that found something, as those do that they are for."""
    assert sorted(each.name for each in reports.iterdir()) == [
        f"{about}.{end}" for about in ("site", "verify") for end in ("html", "json", "md", "xml")
    ]
    for each in metrics.iterdir():
        assert each.stat().st_mode & 0o777 == 0o644
        promtool(tools, "check", "metrics", text=each.read_text())
    for about, failures in (("verify", {("n2", "quay.io"), ("n4", "docker.io")}),
                            ("site", {("n2", "quay.io"), ("n3", "quay.io"), ("n4", "docker.io")})):  # fmt: skip
        jsonschema.validate(json.loads((reports / f"{about}.json").read_text()), SCHEMA)
        found = JUnitXml.fromfile(str(reports / f"{about}.xml"))
        assert {(suite.name, case.name) for suite in found for case in suite if case.result} == failures
        assert found.tests == sum(len(list(suite)) for suite in found) and found.failures == len(failures)
        text = (reports / f"{about}.md").read_text()
        assert all(upstream in text for dummy, upstream in failures)
    site = json.loads((reports / "site.json").read_text())
    causes = {node["name"]: [each["cause"] for each in node["changes"]] for node in site["nodes"]}
    assert causes == {"n1": [], **dict.fromkeys(("n2", "n3", "n4"), ["hand_edit"])}


def test_nodes_can_have_their_own_metrics(lab, play, tmp_path):
    where = {"report_dir": str(tmp_path), "report_metrics_dir": "/root", "report_formats": ["prometheus"]}
    play("--limit=n3").ok()
    play("--limit=n3", "--check", report_metrics_on="nodes", **where).ok()
    run = play("--limit=n3", playbook=VERIFY, report_metrics_on="nodes", verify_images=["quay.io/a/none:1"], **where)
    assert run.rc == 2 and "0 of 1 nodes pull every image" in run.failed()
    for about in ("site", "verify"):
        name = f"/root/airgap_containerd_{about}.prom"
        text = lab.run("n3", ["cat", name]).stdout
        assert f'{PREFIX}node_answered{{check="{about}",node="n3"}} 1' in text
        assert lab.run("n3", ["stat", "-c", "%a", name]).stdout.strip() == "644"


def test_the_rules_of_alerts_and_the_dashboard_use_metrics_that_there_are(tools, tmp_path):
    rules = MONITORING / "alerts.yml"
    assert "8 rules found" in promtool(tools, "check", "rules", str(rules))
    tests = (Path(__file__).parent / "alerts.test.yml").read_text().replace("RULES", str(rules))
    (tmp_path / "tests.yml").write_text(tests)
    promtool(tools, "test", "rules", str(tmp_path / "tests.yml"))
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    plain = [re.sub(r"\$\w+", "x", query) for query in queries]
    made = [{"record": f"x:{index}", "expr": query} for index, query in enumerate(plain)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": made}]}))
    promtool(tools, "check", "rules", str(tmp_path / "rules.yml"))
    used = {name for text in (*queries, rules.read_text()) for name in re.findall(rf"\b{PREFIX}(\w+)", text)}
    assert used <= set(METRICS) and set(METRICS) <= used


def test_a_schedule_that_systemd_takes(lab, play, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze")
    password = tmp_path / "a $strange% \"name'"
    password.write_text("x")
    lab.reset("n3")
    vault = {"schedule_on": "n3", "schedule_vault_password_file": str(password), "report_dir": str(tmp_path)}
    run = play(playbook=SCHEDULE, **vault)  # where it is looked for is the host that the timers are on
    assert run.rc == 2 and "does not exist, or users other than its owner can read it" in run.failed()
    lab.run("n3", ["sh", "-c", 'mkdir -p "$1" && echo x >"$2" && chmod 600 "$2"', "x", str(tmp_path), str(password)])
    play(playbook=SCHEDULE, **vault).ok()
    again = play(playbook=SCHEDULE, **vault).ok()
    assert again.changed() == {"n3": 0}
    timers = lab.run("n3", ["systemctl", "list-timers", "--no-pager"]).stdout
    assert "airgap-containerd-verify.timer" in timers and "airgap-containerd-site.timer" in timers
    paths = [tmp_path / f"airgap-containerd-{check}.{kind}" for check in ("verify", "site")
             for kind in ("service", "timer")]  # fmt: skip
    for path in paths:
        path.write_text(lab.run("n3", ["cat", f"/etc/systemd/system/{path.name}"]).stdout)
    checked = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)
    assert not [line for line in checked.stderr.splitlines() if "airgap" in line], checked.stderr
    _run(lab, paths[2].read_text(), tmp_path)
    play(playbook=SCHEDULE, schedule_state="absent", **vault).ok()
    assert not lab.run("n3", ["sh", "-c", "ls /etc/systemd/system | grep airgap || true"]).stdout


def _run(lab: Lab, unit: str, folder: Path) -> None:
    """Run what a unit runs, as systemd would, where there is an Ansible to run it."""
    (line,) = re.findall("^ExecStart=(.*)$", unit, re.M)
    words = shlex.split(line.replace("$$", "$").replace("%%", "%"))
    variables = folder / "schedule.yml"
    variables.write_text(lab.run("n3", ["cat", "/etc/airgap-containerd/schedule.yml"]).stdout)
    words[words.index("@/etc/airgap-containerd/schedule.yml")] = f"@{variables}"
    done = subprocess.run([*words, "--limit=n3"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "this role has not configured the node yet" in done.stdout, done.stdout
    assert json.loads((folder / "site.json").read_text())["nodes"][0]["name"] == "n3"
