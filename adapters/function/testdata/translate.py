"""Translates a SAM template as AWS does, with AWS's own translator."""
import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402


class NoManagedPolicies:
    def load(self):
        return {}


with open(sys.argv[1], encoding="utf-8") as file:
    template = yaml_parse(file.read())
for resource in template["Resources"].values():
    for local in ("CodeUri", "DefinitionUri"):  # which sam package would upload
        properties = resource.get("Properties", {})
        if local in properties or resource["Type"] == "AWS::Serverless::Function" and local == "CodeUri":
            properties[local] = "s3://packages/" + local
json.dump(transform(template, {}, NoManagedPolicies()), sys.stdout)
