"""Write the files that the template embeds into it: run this after a change of any of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE / "dynamic-dynamodb.json"
USER_DATA = HERE / "user-data.sh"
FILES = {
    "/etc/rc.d/init.d/dynamic-dynamodb": HERE / "dynamic-dynamodb.init",
    "/usr/share/dynamic-dynamodb/example-dynamic-dynamodb.conf": HERE.parent / "example-dynamic-dynamodb.conf",
}
"""By the paths that they have on the instance."""


def embed(template: dict[str, Any]) -> str:
    """The text of the template, with the files as they are now."""
    resources = template["Resources"]
    launched = resources["LaunchTemplate"]["Properties"]["LaunchTemplateData"]
    # What is in front of it sets the variables.
    launched["UserData"]["Fn::Base64"]["Fn::Join"][1][-1] = USER_DATA.read_text("utf-8")
    files = resources["Group"]["Metadata"]["AWS::CloudFormation::Init"]["config"]["files"]
    for path, file in FILES.items():
        files[path]["content"] = file.read_text("utf-8")
    return json.dumps(template, indent=2) + "\n"


if __name__ == "__main__":
    TEMPLATE.write_text(embed(json.loads(TEMPLATE.read_text("utf-8"))), encoding="utf-8")
