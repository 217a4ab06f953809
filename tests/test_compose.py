"""The compose file, read as YAML: no container engine is needed to know that it is sound."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from servers.requirement import require
from taglake.settings import load

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EVERY = pytest.mark.parametrize("name", SERVICES)


def _mounts(service: dict[str, Any]) -> list[str]:
    return [
        mount.replace("${TAGLAKE_CONFIG:-", "").replace("}", "")
        for mount in service.get("volumes", [])
    ]


def test_the_stack_has_its_services() -> None:
    stores = {"secrets", "elasticsearch", "postgres"}
    doors = {"balancer", "api", "kibana"}
    assert set(SERVICES) == stores | doors | {"ingestor", "worker", "simnet"}


@EVERY
def test_images_are_pinned(name: str) -> None:
    version = SERVICES[name]["image"].partition(":")[2]
    assert version.count(".") >= 1, "a tag that moves is not a version"


@EVERY
def test_nothing_runs_as_root(name: str) -> None:
    user = SERVICES[name]["user"].partition(":")[0]
    assert int(user) > 0
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in SERVICES[name]["security_opt"]


@EVERY
def test_memory_is_bounded(name: str) -> None:
    assert SERVICES[name]["mem_limit"]


@EVERY
def test_ports_are_on_loopback(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@EVERY
def test_every_mounted_file_exists_and_every_volume_is_declared(name: str) -> None:
    for mount in _mounts(SERVICES[name]):
        source = mount.partition(":")[0]
        if source.startswith("."):
            assert (ROOT / source).is_file(), source
        else:
            assert source in COMPOSE["volumes"]


@EVERY
def test_long_running_services_tell_their_health(name: str) -> None:
    assert name == "secrets" or SERVICES[name]["healthcheck"]["test"]


def test_the_stores_are_not_reachable_from_outside() -> None:
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name in ("elasticsearch", "postgres"):
        assert "ports" not in SERVICES[name]
        assert SERVICES[name]["networks"] == ["inside"]


def test_two_api_replicas_stand_behind_the_balancer() -> None:
    assert SERVICES["api"]["deploy"]["replicas"] == 2
    assert "ports" not in SERVICES["api"]


@pytest.mark.parametrize("name", ["taglake.toml", "taglake.demo.toml"])
def test_workers_write_the_audiences_that_servers_read(name: str) -> None:
    folder = load(ROOT / "deploy" / name).audience.folder
    assert f"audiences:{folder}" in _mounts(SERVICES["worker"])
    assert f"audiences:{folder}:ro" in _mounts(SERVICES["api"])
    assert str(folder) in (ROOT / "deploy" / "Dockerfile").read_text()


@pytest.mark.parametrize("name", ["taglake.toml", "taglake.demo.toml"])
def test_the_mounted_settings_load(name: str) -> None:
    settings = load(ROOT / "deploy" / name)
    assert settings.registry.url.startswith("postgresql://")
    assert settings.accounts


def test_every_copied_path_of_the_image_exists() -> None:
    for line in (ROOT / "deploy" / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source


def test_the_balancer_accepts_its_settings() -> None:
    haproxy = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if not haproxy:
        require("haproxy is missing: apt-get install haproxy")
    done = subprocess.run(
        [haproxy, "-c", "-f", ROOT / "deploy/haproxy.cfg"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
