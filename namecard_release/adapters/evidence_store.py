"""Where pictures of the evidence are kept: a folder, or a bucket. Drawing is in `pictures`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.adapters.pictures import draw
from namecard_release.domain.snapshot import Snapshot
from namecard_release.errors import PermanentError

_S3 = "s3://"


class FolderEvidence:
    """Pictures in a folder of this machine. Keeps the port `EvidenceStore`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put_picture(self, name: str, snapshot: Snapshot) -> str:
        """Draw and keep a picture, whole or not at all; gives its path. Raises PermanentError."""
        target = self._folder / name
        if ".." in target.parts or Path(name).is_absolute():
            raise PermanentError(f"{name} is no name of evidence")
        picture = draw(snapshot)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as file:
                file.write(picture)
            Path(file.name).chmod(0o644)
            os.replace(file.name, target)  # noqa: PTH105
        except OSError as error:
            raise PermanentError(f"evidence cannot be kept in {self._folder}: {error.strerror}") from error
        return str(target)


class S3Evidence:
    """Pictures in a bucket, below a prefix. Keeps the port `EvidenceStore`."""

    def __init__(self, clients: AwsClients, address: str) -> None:
        self._clients = clients
        self._bucket, _, self._prefix = address.removeprefix(_S3).partition("/")

    def put_picture(self, name: str, snapshot: Snapshot) -> str:
        """Draw and keep a picture; gives its `s3://` address. Raises TransientError or PermanentError."""
        key = "/".join(part for part in (self._prefix.strip("/"), name) if part)
        picture = draw(snapshot)
        with aws_errors_told(f"keep the evidence {_S3}{self._bucket}/{key}"):
            self._clients.s3.put_object(Bucket=self._bucket, Key=key, Body=picture, ContentType="image/png")
        return f"{_S3}{self._bucket}/{key}"


def open_evidence(address: str, clients: AwsClients) -> FolderEvidence | S3Evidence:
    """Give the store at a folder's path or an `s3://bucket/prefix` address."""
    return S3Evidence(clients, address) if address.startswith(_S3) else FolderEvidence(Path(address))
