"""What does the reconciliation service tell a client that has just been given its address?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from peninsula import __version__
from peninsula.namespaces import BASE
from peninsula.reconciliation.extension import SETTINGS
from peninsula.reconciliation.preview import HEIGHT, WIDTH
from peninsula.reconciliation.requests import BATCH_SIZE
from peninsula.reconciliation.schema import Item

VERSIONS: Final = ("0.1", "0.2")
#: Names of things are below it; their ids are the same with a prefix: person:moon-jae-in.
IDENTIFIER_SPACE: Final = f"{BASE}id/"
SCHEMA_SPACE: Final = f"{BASE}ns#"


def describe_service(
    address: str,
    types: Iterable[Item],
    *,
    name: str = "Peninsula",
    kept: Mapping[str, str] | None = None,
    needs_token: bool = False,
) -> dict[str, Any]:
    """Return the manifest of the service below ``address``, which ends without a slash.

    ``kept`` are parameters that every address in it carries on: the generation, the language.
    """
    more = urlencode(kept or {})

    def at(path: str, parameters: str = "") -> str:
        query = "&".join(part for part in (more, parameters) if part)
        return f"{path}?{query}" if query else path

    def suggest(what: str) -> dict[str, str]:
        return {
            "service_url": address,
            "service_path": at(f"/reconcile/suggest/{what}"),
            "flyout_service_url": address,
            "flyout_service_path": at(f"/reconcile/flyout/{what}", "id=${id}"),
        }

    manifest: dict[str, Any] = {
        "versions": list(VERSIONS),
        "name": name,
        "identifierSpace": IDENTIFIER_SPACE,
        "schemaSpace": SCHEMA_SPACE,
        "documentation": f"{address}/reconcile",
        "logo": f"{address}/static/icon.svg",
        "serviceVersion": __version__,
        "defaultTypes": [{"id": item.id, "name": item.name} for item in types],
        "view": {"url": address + at("/reconcile/view", "id={{id}}")},
        "feature_view": {"url": f"{address}/reconcile/features/{{{{id}}}}"},
        "preview": {
            "url": address + at("/reconcile/preview", "id={{id}}"),
            "width": WIDTH,
            "height": HEIGHT,
        },
        "suggest": {what: suggest(what) for what in ("entity", "type", "property")},
        "extend": {
            "propose_properties": {
                "service_url": address,
                "service_path": at("/reconcile/properties"),
            },
            "property_settings": [dict(setting) for setting in SETTINGS],
        },
        "batchSize": BATCH_SIZE,
    }
    if needs_token:
        manifest["authentication"] = {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "Bearer, a space, and a token with the role “read”.",
        }
    return manifest
