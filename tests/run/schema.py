# SPDX-License-Identifier: MIT
"""Is this JSON what docs/schema says?

With python3-jsonschema where that is installed. Without it by the part of the
language that our schemas need most: types, members, values, patterns, bounds,
lists; of conditions it knows nothing.
"""
import json
import os
import re

try:
    import jsonschema
except ImportError:
    jsonschema = None

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                         "..", "docs", "schema")
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool,
         "integer": int, "number": (int, float)}


class Invalid(ValueError):
    """It is not."""


def is_type(value, name):
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


class Schema:
    def __init__(self, name):
        path = os.path.join(DIRECTORY, f"{name}.schema.json")
        with open(path, encoding="utf-8") as f:
            self.root = json.load(f)
        self.full = None
        if jsonschema:
            jsonschema.Draft202012Validator.check_schema(self.root)
            self.full = jsonschema.Draft202012Validator(self.root)

    def check(self, value):
        """Both, where there are both: so the small one is tested as well."""
        if self.full:
            try:
                self.full.validate(value)
            except jsonschema.ValidationError as error:
                raise Invalid(f"{error.json_path}: {error.message}") from None
        self.check_at(value, self.root, "$")

    def check_at(self, value, schema, at):
        if "$ref" in schema:
            name = schema["$ref"].removeprefix("#/$defs/")
            self.check_at(value, self.root["$defs"][name], at)
        self.check_value(value, schema, at)
        if isinstance(value, dict):
            self.check_object(value, schema, at)
        if isinstance(value, list):
            self.check_list(value, schema, at)

    def check_value(self, value, schema, at):
        names = schema.get("type", [])
        names = names if isinstance(names, list) else [names]
        if names and not any(is_type(value, name) for name in names):
            raise Invalid(f"{at}: {value!r} is no {names}")
        if "enum" in schema and value not in schema["enum"]:
            raise Invalid(f"{at}: {value!r} is none of {schema['enum']}")
        if "const" in schema and value != schema["const"]:
            raise Invalid(f"{at}: {value!r} is not {schema['const']}")
        if "minimum" in schema and value < schema["minimum"]:
            raise Invalid(f"{at}: {value} is too little")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            raise Invalid(f"{at}: {value!r} does not match")
        if "anyOf" in schema:
            self.check_any(value, schema["anyOf"], at)

    def check_any(self, value, schemas, at):
        for schema in schemas:
            try:
                self.check_at(value, schema, at)
                return
            except Invalid:
                pass
        raise Invalid(f"{at}: {value!r} is none of what it may be")

    def check_object(self, value, schema, at):
        for name in schema.get("required", ()):
            if name not in value:
                raise Invalid(f"{at}: no {name}")
        known, other = schema.get("properties", {}), \
            schema.get("additionalProperties", True)
        for name, member in value.items():
            if name in known:
                self.check_at(member, known[name], f"{at}.{name}")
            elif other is False:
                raise Invalid(f"{at}: {name} is not known")
            elif other is not True:
                self.check_at(member, other, f"{at}.{name}")

    def check_list(self, value, schema, at):
        if len(value) > schema.get("maxItems", len(value)):
            raise Invalid(f"{at}: {len(value)} items")
        for nr, item in enumerate(value):
            self.check_at(item, schema.get("items", {}), f"{at}[{nr}]")
