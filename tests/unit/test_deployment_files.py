"""The files that several nodes are deployed with: Kubernetes takes them, and the server what they give."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs_generator import ROOT
from veldnet.settings import load_settings

KUBERNETES = ROOT / "deploy" / "kubernetes"
# The oldest that is still supported, and the newest that the schemas are of.
VERSIONS = ("1.33", "1.37")


def documents() -> list[dict[str, Any]]:
    return [
        document
        for path in sorted(KUBERNETES.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]


def one(kind: str, name: str = "veldnet") -> dict[str, Any]:
    (found,) = (each for each in documents() if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_member(version: str) -> None:
    # Brings 100 MB of schemas.
    import kubernetes_validate

    def unknown(document: dict[str, Any]) -> str | None:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            return str(error)
        return None

    assert [problem for document in documents() if (problem := unknown(document))] == []
    mistaken = one("PodDisruptionBudget")
    mistaken["spec"]["maxUnavailble"] = 1
    assert unknown(mistaken) is not None


def test_the_settings_of_the_manifests_are_those_of_the_server() -> None:
    given = one("ConfigMap")["data"] | one("Secret")["stringData"] | {"VELDNET_CLUSTER__NODE": "veldnet-0"}
    settings = load_settings(environment=given)
    assert settings.cluster.node == "veldnet-0" and settings.cluster.nats.startswith("nats://")
    assert settings.store.url.startswith("postgresql://")
    (mounted,) = (each for each in container()["volumeMounts"] if each["name"] == "keys")
    assert Path(settings.keys.master_key).parent == Path(mounted["mountPath"])
    ports = {f"0.0.0.0:{port['containerPort']}" for port in container()["ports"]}
    assert ports == {str(settings.api.http), str(settings.gateways.udp)}
    # The example is no key that somebody could use by mistake.
    assert one("Secret", "veldnet-keys")["data"] == {"master.key": ""}


def container() -> dict[str, Any]:
    (found,) = one("StatefulSet")["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def test_the_manifests_belong_together() -> None:
    stateful = one("StatefulSet")["spec"]
    pod = stateful["template"]
    labels = pod["metadata"]["labels"]
    assert stateful["selector"]["matchLabels"] == labels
    assert one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    names = {port["name"] for port in container()["ports"]}
    for service in ("veldnet", "veldnet-nodes", "veldnet-udp"):
        of = one("Service", service)["spec"]
        assert of["selector"] == labels and {port["targetPort"] for port in of["ports"]} <= names
    assert stateful["serviceName"] == "veldnet-nodes" and stateful["replicas"] == 3
    # Two of three serve on during a drain, and one that ends has the time to hand over.
    assert one("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert pod["spec"]["terminationGracePeriodSeconds"] >= 60
    probes = {name: container()[name]["httpGet"]["path"] for name in ("readinessProbe", "livenessProbe")}
    assert probes == {"readinessProbe": "/readyz", "livenessProbe": "/healthz"}
    user = re.search(r"--uid (\d+)", (ROOT / "Containerfile").read_text())
    assert user is not None and pod["spec"]["securityContext"]["runAsUser"] == int(user[1])


def test_the_key_of_a_secret_comes_to_a_file_that_the_server_takes(tmp_path: Path) -> None:
    secret, keys = tmp_path / "secret", tmp_path / "keys"
    for folder in (secret, keys):
        folder.mkdir()
    (secret / "master.key").write_bytes(bytes(32))
    (init,) = one("StatefulSet")["spec"]["template"]["spec"]["initContainers"]
    program = init["args"][0].replace("/secret", str(secret)).replace("/keys", str(keys))
    subprocess.run([sys.executable, "-c", program], check=True)
    copied = keys / "master.key"
    assert copied.read_bytes() == bytes(32) and copied.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["compose.yaml", "compose.cluster.yaml"])
def test_the_settings_of_a_compose_file_are_those_of_the_server(name: str) -> None:
    services = yaml.safe_load((ROOT / name).read_text())["services"]
    nodes = []
    for service in services.values():
        environment = service.get("environment", {})
        given = {
            key: re.sub(r"\$\{[^}]*\}", "x", str(value))
            for key, value in environment.items()
            if key.startswith("VELDNET_")
        }
        if given:
            nodes.append(load_settings(environment=given).cluster.node)
    assert nodes == (["first", "second", "third"] if "cluster" in name else [""] * len(nodes))


@pytest.mark.parametrize("name", ["compose.yaml", "compose.cluster.yaml"])
def test_the_server_may_write_in_every_new_volume_of_a_compose_file(name: str) -> None:
    """A volume has the owner of the folder of the image where it is mounted, and root where there is none."""
    made = re.search(r"install -d -m 700 -o veldnet -g veldnet (.+)", (ROOT / "Containerfile").read_text())
    assert made is not None
    mounted = {
        volume.split(":")[1]
        for service in yaml.safe_load((ROOT / name).read_text())["services"].values()
        if service.get("image", "veldnet") == "veldnet"
        for volume in service.get("volumes", [])
    }
    assert mounted and mounted <= set(made[1].split())
