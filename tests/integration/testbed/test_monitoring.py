"""Prometheus and Alertmanager with a test's own configuration."""

import json
import urllib.request

import leftovers
from testbed.client import Part


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_prometheus_runs_the_given_configuration(tmp_path):
    config = tmp_path / "prometheus.yaml"
    config.write_text("scrape_configs: [{job_name: itself, static_configs: [{targets: ['{address}:9090']}]}]\n")
    with Part("prometheus", "--config", config) as prometheus:
        loaded = get(f"{prometheus.info['url']}/api/v1/status/config")["data"]["yaml"]
        assert f"{prometheus.info['address']}:9090" in loaded
    assert leftovers.of(prometheus.info["directory"]) == []


def test_alertmanager_runs_the_given_configuration(tmp_path):
    config = tmp_path / "alertmanager.yaml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    with Part("alertmanager", "--config", config) as alertmanager:
        assert "nobody" in get(f"{alertmanager.info['url']}/api/v2/status")["config"]["original"]
