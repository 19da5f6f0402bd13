"""The JSON Schema of the configuration, made from the document model."""

import json

from prober.settings.document import Document


def render() -> str:
    """Return the schema as published in `config/prober.schema.json`."""
    schema = Document.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Configuration of the client-access prober"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
