"""A client that asks a reconciliation service as OpenRefine does, and checks every answer.

Addresses are put together from the manifest alone. What comes back must fit the schema of its
message, and be readable by a page of another site.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import jsonschema
from referencing import Registry, Resource

HERE: Final = Path(__file__).parent
#: A folder with the schemas of the specification itself, where somebody has a copy of its
#: repository: https://github.com/reconciliation-api/specs, 0.2/schemas.
OFFICIAL: Final = os.environ.get("PENINSULA_RECONCILIATION_SCHEMAS")
ORIGIN: Final = "https://refine.example"
_SCHEMAS: Final[dict[str, Any]] = json.loads((HERE / "schemas.json").read_text())
#: Cells whose types are guessed from, and rows in a batch.
_SAMPLE: Final = 10
_BATCH: Final = 10


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def check(told: Any, name: str) -> Any:
    """Return ``told`` where it is a message of this kind."""
    schema = {"$ref": f"#/$defs/{name}", "$defs": _SCHEMAS["$defs"]}
    jsonschema.Draft202012Validator(schema).validate(told)
    if OFFICIAL and (path := Path(OFFICIAL, f"{name}.json")).exists():
        # Its manifest points to Swagger's schema, which is not part of it.
        text = path.read_text().replace(
            "http://swagger.io/v2/schema.json#/definitions/securityDefinitions/additionalProperties",
            "#/properties/view/properties",
        )
        types = json.loads(Path(OFFICIAL, "type.json").read_text())
        known: Any = Registry().with_resources(
            [
                (
                    id,
                    Resource.from_contents(
                        {**types, "$schema": "http://json-schema.org/draft-07/schema#"}
                    ),
                )
                for id in ("type.json", types["$id"])
            ]
        )
        official = json.loads(text) | {"$schema": "http://json-schema.org/draft-07/schema#"}
        jsonschema.Draft7Validator(official, registry=known).validate(told)
    return told


class OpenRefine:
    """A client with one service."""

    def __init__(self, address: str, token: str = "") -> None:
        self.address = address
        self._token = token
        answer = self.get(address)
        assert answer.status == 200, answer.body
        self.manifest: dict[str, Any] = check(answer.json, "manifest")
        assert "0.2" in self.manifest["versions"]

    def get(self, address: str, **parameters: str) -> Answer:
        """Ask by GET, as a script in a page of another site."""
        more = urlencode(parameters)
        joined = f"{address}{'&' if '?' in address else '?'}{more}" if more else address
        return self._send(urllib.request.Request(joined))

    def post(self, **form: str) -> Answer:
        """Send a form to the service itself."""
        return self._send(urllib.request.Request(self.address, urlencode(form).encode()))

    def _send(self, request: urllib.request.Request) -> Answer:
        request.add_header("Accept", "application/json, text/javascript, */*; q=0.01")
        request.add_header("Origin", ORIGIN)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer = Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                answer = Answer(error.code, error.headers, error.read())
        assert answer.headers["Access-Control-Allow-Origin"] in {"*", ORIGIN}
        return answer

    def guess_types(self, cells: Sequence[str]) -> list[tuple[str, float]]:
        """Return the types that the first cells seem to be of, the likeliest first."""
        batch = {f"q{i}": {"query": cell, "limit": 3} for i, cell in enumerate(cells[:_SAMPLE])}
        scores: defaultdict[str, float] = defaultdict(float)
        for told in self.send_batch(batch).values():
            for place, candidate in enumerate(told["result"]):
                for type_ in candidate["type"]:
                    scores[type_["id"]] += candidate["score"] / (1 + place)
        return sorted(scores.items(), key=lambda pair: -pair[1])

    def send_batch(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Send one batch of queries."""
        answer = self.post(queries=json.dumps(batch))
        assert answer.status == 200, answer.body
        told: dict[str, Any] = check(answer.json, "reconciliation-result-batch")
        assert told.keys() == batch.keys()
        for result in told.values():
            scores = [candidate["score"] for candidate in result["result"]]
            assert scores == sorted(scores, reverse=True)
            assert sum(candidate["match"] for candidate in result["result"]) <= 1
            for candidate in result["result"]:
                ids = [feature["id"] for feature in candidate.get("features", ())]
                assert len(ids) == len(set(ids))
        return told

    def reconcile(
        self,
        rows: Sequence[tuple[str, Mapping[str, Any]]],
        types: Sequence[str | None],
        strictness: str = "should",
    ) -> list[list[dict[str, Any]]]:
        """Return the candidates of each row: a name, and values by property."""
        found: list[list[dict[str, Any]]] = []
        for start in range(0, len(rows), _BATCH):
            batch = {}
            for i in range(start, min(start + _BATCH, len(rows))):
                text, values = rows[i]
                batch[f"q{i}"] = {
                    "query": text,
                    **({"type": types[i], "type_strict": strictness} if types[i] else {}),
                    **(
                        {"properties": [{"pid": pid, "v": v} for pid, v in values.items()]}
                        if values
                        else {}
                    ),
                }
            told = self.send_batch(batch)
            found += [told[key]["result"] for key in batch]
        return found

    def suggest(self, what: str, prefix: str, **more: str) -> list[dict[str, Any]]:
        """Return what is offered to somebody who types."""
        service = self.manifest["suggest"][what]
        address = service["service_url"] + service["service_path"]
        answer = self.get(address, prefix=prefix, **more)
        assert answer.status == 200, answer.body
        plural = {"entity": "entities", "type": "types", "property": "properties"}[what]
        found: list[dict[str, Any]] = check(answer.json, f"suggest-{plural}-response")["result"]
        return found

    def fly_out(self, what: str, id: str) -> str:
        """Return what is shown beside a suggestion."""
        service = self.manifest["suggest"][what]
        path = service["flyout_service_path"].replace("${id}", quote(id, safe=""))
        answer = self.get(service.get("flyout_service_url", service["service_url"]) + path)
        assert answer.status == 200, answer.body
        told = check(answer.json, "flyout-response")
        assert told["id"] == id
        return str(told["html"])

    def preview(self, id: str) -> Answer:
        """Return the page that is shown in a frame."""
        return self.get(self.manifest["preview"]["url"].replace("{{id}}", quote(id, safe="")))

    def view(self, id: str) -> str:
        """Return the address that a match leads to."""
        return str(self.manifest["view"]["url"]).replace("{{id}}", quote(id, safe=""))

    def propose(self, type_id: str, **more: str) -> list[dict[str, Any]]:
        """Return the properties that are offered for a column of a type."""
        service = self.manifest["extend"]["propose_properties"]
        answer = self.get(service["service_url"] + service["service_path"], type=type_id, **more)
        assert answer.status == 200, answer.body
        told = check(answer.json, "data-extension-property-proposal")
        assert told.get("type") == type_id
        found: list[dict[str, Any]] = told["properties"]
        return found

    def extend(self, ids: Sequence[str], properties: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the values of properties of entities."""
        answer = self.post(extend=json.dumps({"ids": ids, "properties": properties}))
        assert answer.status == 200, answer.body
        told: dict[str, Any] = check(answer.json, "data-extension-response")
        assert list(told["rows"]) == list(dict.fromkeys(ids))
        assert [column["id"] for column in told["meta"]] == [one["id"] for one in properties]
        for row in told["rows"].values():
            assert row.keys() == {one["id"] for one in properties}
        return told
