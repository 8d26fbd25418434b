"""A small hand-made cloud assembly, with the shapes that CDK writes."""

import json
from pathlib import Path
from typing import Any

MIGRATION = "2025-01-01T0000__auth__init.sql"
BUCKET = {"Fn::Sub": "cdk-namecard-assets-${AWS::AccountId}-${AWS::Region}"}
PLACE = "aws://123456789012/ap-southeast-1"


def function(key: str) -> dict[str, Any]:
    return {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Bucket": BUCKET, "S3Key": f"{key}.zip"}}}


def write_assembly(folder: Path, *, migrator: bool = True, place: str = PLACE) -> Path:
    folder.mkdir(parents=True)
    resources: dict[str, Any] = {
        "Queue1": {"Type": "AWS::SQS::Queue"},
        "AuthServiceFunctionAB12": function("auth"),
        "InlineFunction": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": "x"}}},
    }
    if migrator:
        resources["SchemaMigratorCD34"] = function("migrator")
        resources["SchemaMigratorProviderframeworkonEventEF56"] = function("framework")
    assets = {}
    for name in ("auth", "migrator", "framework"):
        (folder / f"asset.{name}").mkdir()
        (folder / f"asset.{name}" / "index.js").write_text(f"// {name}\n")
        assets[name] = {
            "source": {"path": f"asset.{name}", "packaging": "zip"},
            "destinations": {"current": {"bucketName": "b", "objectKey": f"{name}.zip"}},
        }
    (folder / "asset.migrator" / "migrations").mkdir()
    (folder / "asset.migrator" / "migrations" / MIGRATION).write_text("select 1;\n")
    write(folder / "Api.template.json", {"Resources": resources})
    write(folder / "Db.template.json", {"Resources": {}})
    write(folder / "Api.assets.json", {"files": assets})
    artifacts = {
        "Db": stack("Db.template.json", "NameCardDb-staging", place),
        "Api.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Api.assets.json"}},
        "Api": stack("Api.template.json", "NameCardApi-staging", place),
        "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
    }
    write(folder / "manifest.json", {"version": "1", "artifacts": artifacts})
    return folder


def stack(template: str, name: str, place: str) -> dict[str, Any]:
    properties = {"templateFile": template, "stackName": name}
    return {"type": "aws:cloudformation:stack", "environment": place, "properties": properties}


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))
