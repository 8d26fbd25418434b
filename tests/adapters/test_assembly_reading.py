"""Assemblies read into facts."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from namecard_release.adapters.assembly_reading import read_assembly
from namecard_release.domain.assembly import FunctionCode
from namecard_release.errors import PermanentError
from tests.adapters.assemblies import MIGRATION, write, write_assembly

BUCKET = "cdk-namecard-assets-123456789012-ap-southeast-1"
API = "NameCardApi-staging"


def test_stacks_functions_and_bundle(tmp_path: Path) -> None:
    facts = read_assembly(write_assembly(tmp_path / "out"))
    assert facts.stacks == ("NameCardDb-staging", API)
    assert facts.functions == (
        FunctionCode(API, "AuthServiceFunctionAB12", BUCKET, "auth.zip"),
        FunctionCode(API, "SchemaMigratorCD34", BUCKET, "migrator.zip"),
        FunctionCode(API, "SchemaMigratorProviderframeworkonEventEF56", BUCKET, "framework.zip"),
    )
    assert facts.migrations == (MIGRATION,)


def test_an_assembly_bound_to_no_account_keeps_the_placeholders(tmp_path: Path) -> None:
    facts = read_assembly(write_assembly(tmp_path / "out", place="aws://unknown-account/unknown-region"))
    assert facts.functions[0].bucket == "cdk-namecard-assets-${AWS::AccountId}-${AWS::Region}"


def test_an_empty_bundle_is_not_an_absent_migrator(tmp_path: Path) -> None:
    folder = write_assembly(tmp_path / "out")
    shutil.rmtree(folder / "asset.migrator" / "migrations")
    assert read_assembly(folder).migrations == ()
    assert read_assembly(write_assembly(tmp_path / "other", migrator=False)).migrations is None


def test_a_bundle_that_is_an_archive(tmp_path: Path) -> None:
    folder = write_assembly(tmp_path / "out")
    shutil.rmtree(folder / "asset.migrator")
    with zipfile.ZipFile(folder / "asset.migrator", "w") as archive:
        for name in ("index.js", f"migrations/{MIGRATION}", "migrations/README.md"):
            archive.writestr(name, "x")
    assert read_assembly(folder).migrations == (MIGRATION,)


def test_a_nested_assembly_is_read(tmp_path: Path) -> None:
    write_assembly(tmp_path / "out" / "assembly-Staging")
    nested = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Staging"}}
    write(tmp_path / "out" / "manifest.json", {"artifacts": {"assembly-Staging": nested}})
    facts = read_assembly(tmp_path / "out")
    assert facts.stacks == ("NameCardDb-staging", API)
    assert facts.migrations == (MIGRATION,)


@pytest.mark.parametrize(
    ("manifest", "told"),
    [(None, "was the app synthesised"), ("{", "not JSON"), ("[]", "no cloud assembly"), ("{}", "lists no artifacts")],
)
def test_what_is_no_assembly(tmp_path: Path, manifest: str | None, told: str) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(PermanentError, match=told):
        read_assembly(tmp_path)


def test_a_template_that_is_missing_is_told(tmp_path: Path) -> None:
    folder = write_assembly(tmp_path / "out")
    assert json.loads((folder / "Api.template.json").read_text())
    (folder / "Api.template.json").unlink()
    with pytest.raises(PermanentError, match=r"Api\.template\.json"):
        read_assembly(folder)
