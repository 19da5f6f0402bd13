"""The manifests in `config/kubernetes`: valid by the schemas of Kubernetes and of the operator, as strict as can be."""

import copy
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from prober.clients import catalogue
from prober.listen import DEFAULT_LISTEN
from prober.settings.load import load
from tests.kustomize import Resource, UnknownKeyError, containers, rendered
from tests.test_rules import PROMETHEUS

ROOT = Path(__file__).parents[1]
MANIFESTS = ROOT / "config/kubernetes"
KUSTOMIZATIONS = tuple(sorted(path.parent for path in MANIFESTS.rglob("kustomization.yaml")))
OPERATOR = Path(__file__).parent / "schemas/prometheus-operator-0.80.1.json"
"""Schemas of the operator's custom resources, without their prose, as its definitions of that version have them."""
VERSIONS = ("1.31", "1.37")
"""The oldest that has native sidecars without a feature gate set by hand and is still in use, and the newest."""
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@cache
def operator() -> dict[str, Any]:
    schemas: dict[str, Any] = json.loads(OPERATOR.read_text())
    return schemas


def check(resource: Resource, version: str) -> None:
    """Hold a resource against its schema, unknown fields forbidden. Raises the validators' errors."""
    if resource["apiVersion"] == "monitoring.coreos.com/v1":
        jsonschema.validate(resource, operator()[resource["kind"]])
    else:
        kubernetes_validate.validate(resource, version, strict=True)


def name_of(path: Path) -> str:
    return path.relative_to(MANIFESTS).as_posix()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=name_of)
def test_every_resource_is_valid(folder: Path, version: str) -> None:
    resources = rendered(folder)
    assert resources
    for one in resources:
        check(one, version)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Deployment", ("spec", "template", "spec", "containers", 0)),
        ("NetworkPolicy", ("spec",)),
        ("PodMonitor", ("spec", "podMetricsEndpoints", 0)),
        ("Probe", ("spec", "prober")),
        ("PrometheusRule", ("spec", "groups", 0, "rules", 0)),
    ],
)
def test_a_misspelt_field_is_found(kind: str, path: tuple[Any, ...]) -> None:
    """Or the test above would prove nothing."""
    wrong = copy.deepcopy(one_of(MANIFESTS / "overlays/production", kind))
    place: Any = wrong
    for key in path:
        place = place[key]
    place["misspelt"] = "value"
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        check(wrong, VERSIONS[-1])


def one_of(folder: Path, kind: str) -> Resource:
    return next(one for one in rendered(folder) if one["kind"] == kind)


def test_every_file_belongs_to_a_kustomization() -> None:
    """None is forgotten, none is missing: those that are named were read above."""
    named: set[Path] = set()
    for folder in KUSTOMIZATIONS:
        asked = yaml.safe_load((folder / "kustomization.yaml").read_text())
        maps = [name for one in asked.get("configMapGenerator", ()) for name in one["files"]]
        patches = [one["path"] for one in asked.get("patches", ())]
        named |= {(folder / name).resolve() for name in ("kustomization.yaml", *asked["resources"], *maps, *patches)}
    assert {path for path in MANIFESTS.rglob("*") if path.is_file()} == {path for path in named if path.is_file()}


def test_what_is_not_known_is_not_taken_for_checked(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: []\ncomponents: [x]\n")
    with pytest.raises(UnknownKeyError, match="components"):
        rendered(tmp_path)


def test_there_is_one_prober_and_never_two_at_once() -> None:
    spec = one_of(MANIFESTS / "base", "Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


@pytest.mark.parametrize("folder", ["base", "overlays/production", "overlays/sidecar"])
def test_the_prober_may_do_nothing_but_probe(folder: str) -> None:
    """As the standard `restricted` wants it, and a root that cannot be written to."""
    workload = one_of(MANIFESTS / folder, "Deployment")
    pod = workload["spec"]["template"]["spec"]
    prober = next(one for one in containers(workload) if one["name"] == "prober")
    effective = pod["securityContext"] | prober["securityContext"]
    assert RESTRICTED.items() <= effective.items()
    assert (effective["runAsNonRoot"], effective["runAsUser"]) == (True, 65532)
    assert effective["seccompProfile"] == {"type": "RuntimeDefault"}
    mounted = {one["mountPath"]: one.get("readOnly", False) for one in prober["volumeMounts"]}
    assert mounted == {"/etc/prober": True, "/run/secrets": True, "/var/lib/prober": False}
    assert {one["name"] for one in prober["volumeMounts"]} <= {one["name"] for one in pod["volumes"]}
    assert not [one for one in prober["volumeMounts"] if "subPath" in one]
    assert [one["containerPort"] for one in prober["ports"]] == [int(DEFAULT_LISTEN.removeprefix(":"))]
    for probe in ("startupProbe", "livenessProbe"):
        assert prober[probe]["httpGet"] == {"path": "/-/healthy", "port": "metrics"}


def test_the_sidecar_is_a_native_one() -> None:
    """An init container that is restarted; what it stands beside is as it was."""
    workload = one_of(MANIFESTS / "overlays/sidecar", "Deployment")
    assert [(one["name"], one.get("restartPolicy")) for one in containers(workload)] == [
        ("prober", "Always"),
        ("workload", None),
    ]


def test_the_namespace_enforces_what_the_prober_keeps_to() -> None:
    resources = rendered(MANIFESTS / "overlays/production")
    labels = next(one for one in resources if one["kind"] == "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    spaces = {one["metadata"].get("namespace") for one in resources if one["kind"] != "Namespace"}
    assert spaces == {"client-access"}
    images = [one["image"] for resource in resources for one in containers(resource)]
    assert images == ["registry.example/client-access-prober:latest"]


def test_monitors_and_policy_choose_the_pod_and_its_port() -> None:
    resources = {one["kind"]: one for one in rendered(MANIFESTS / "overlays/production")}
    labels = resources["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for kind, key in (("PodMonitor", "selector"), ("NetworkPolicy", "podSelector")):
        assert resources[kind]["spec"][key]["matchLabels"].items() <= labels.items()
    assert resources["Service"]["spec"]["selector"].items() <= labels.items()
    assert resources["PodMonitor"]["spec"]["podMetricsEndpoints"][0]["port"] == "metrics"
    assert resources["Probe"]["spec"]["prober"]["url"] == f"{resources['Service']['metadata']['name']}{DEFAULT_LISTEN}"
    ways = resources["NetworkPolicy"]["spec"]["egress"]
    blocks = [to["ipBlock"] for way in ways for to in way["to"] if "ipBlock" in to]
    assert {one["cidr"] for one in blocks} == {"0.0.0.0/0", "::/0"}
    assert {net for one in blocks for net in one["except"]} == {"169.254.0.0/16", "fe80::/10"}


def test_the_probe_asks_for_what_is_configured(tmp_path: Path) -> None:
    """Its client and targets are those of the configuration in the ConfigMap, which is one that the prober takes."""
    production = MANIFESTS / "overlays/production"
    for folder in (production, MANIFESTS / "overlays/sidecar"):
        file = tmp_path / "prober.yml"
        file.write_text(one_of(folder, "ConfigMap")["data"]["prober.yml"])
        keys = {one.key for one in load([file], catalogue()).assignments}
        if folder == production:
            probe = one_of(folder, "Probe")["spec"]
            assert {f"{probe['module']}/{name}" for name in probe["targets"]["staticConfig"]["static"]} <= keys


def test_the_rules_are_the_shipped_ones() -> None:
    """And their file is what its tool prints."""
    made = subprocess.run([sys.executable, ROOT / "tools/prometheusrule"], capture_output=True, text=True, check=True)
    file = MANIFESTS / "monitoring/prometheusrule.yaml"
    assert file.read_text() == made.stdout
    shipped = [yaml.safe_load(path.read_text())["groups"] for path in sorted((PROMETHEUS / "rules").glob("*.yml"))]
    assert yaml.safe_load(made.stdout)["spec"]["groups"] == [group for groups in shipped for group in groups]
