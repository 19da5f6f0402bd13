"""As much of kustomize as the shipped manifests use: resources, namespace, images, ConfigMaps from files, patches.

Rule of this file: what it does not know it refuses, so that no manifest is taken for checked that was not.
"""

from pathlib import Path
from typing import Any

import yaml

Resource = dict[str, Any]
KNOWN = frozenset(
    {"apiVersion", "kind", "resources", "namespace", "images", "configMapGenerator", "patches"},
)
CLUSTER_WIDE = frozenset({"Namespace"})


class UnknownKeyError(Exception):
    """A kustomization asks for something that is not known here; the text names it."""


def rendered(folder: Path) -> list[Resource]:
    """Return the resources of a kustomization. Raises `UnknownKeyError`, `FileNotFoundError`, `KeyError`."""
    asked = yaml.safe_load((folder / "kustomization.yaml").read_text())
    if unknown := set(asked) - KNOWN:
        raise UnknownKeyError(f"{folder}: {', '.join(sorted(unknown))}")
    listed = [one for name in asked["resources"] for one in _resources(folder / name)]
    listed += [_config_map(folder, one) for one in asked.get("configMapGenerator", ())]
    for patch in asked.get("patches", ()):
        _patch(listed, patch["target"], yaml.safe_load((folder / patch["path"]).read_text()))
    for one in listed:
        if "namespace" in asked and one["kind"] not in CLUSTER_WIDE:
            one["metadata"]["namespace"] = asked["namespace"]
        for image in asked.get("images", ()):
            _rename(one, image)
    return listed


def containers(resource: Resource) -> list[Resource]:
    """Return the containers of a workload, those that start first first."""
    pod = resource.get("spec", {}).get("template", {}).get("spec", {})
    return [*pod.get("initContainers", ()), *pod.get("containers", ())]


def _resources(path: Path) -> list[Resource]:
    return rendered(path) if path.is_dir() else [one for one in yaml.safe_load_all(path.read_text()) if one]


def _config_map(folder: Path, asked: Resource) -> Resource:
    if set(asked) != {"name", "files", "options"} or asked["options"] != {"disableNameSuffixHash": True}:
        raise UnknownKeyError(f"{folder}: configMapGenerator {asked}")
    data = {name: (folder / name).read_text() for name in asked["files"]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": asked["name"]}, "data": data}


def _patch(listed: list[Resource], target: Resource, patch: Resource) -> None:
    chosen = [one for one in listed if (one["kind"], one["metadata"]["name"]) == (target["kind"], target["name"])]
    if not chosen:
        raise KeyError(f"no {target['kind']} {target['name']} to patch")
    for one in chosen:
        _merge(one, patch)


def _merge(into: Resource, patch: Resource) -> None:
    """Merge strategically: mappings key by key, lists of what has names by name, anything else anew."""
    for key, value in patch.items():
        there = into.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            _merge(there, value)
        elif isinstance(value, list) and isinstance(there, list) and all("name" in one for one in (*value, *there)):
            for item in value:
                same = next((one for one in there if one["name"] == item["name"]), None)
                there.append(item) if same is None else _merge(same, item)
        else:
            into[key] = value


def _rename(resource: Resource, image: Resource) -> None:
    for container in containers(resource):
        if container["image"] == image["name"]:
            container["image"] = f"{image['newName']}:{image['newTag']}"
