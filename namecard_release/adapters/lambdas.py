"""Digests of the code that functions run and of the code that was published for them. No judgement here."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.adapters.templates import function_settings
from namecard_release.domain.assembly import FunctionCode
from namecard_release.domain.health import RunningFunction
from namecard_release.domain.serving import PublishedVersion, ServedAlias
from namecard_release.errors import ReleaseError, TransientError
from namecard_release.time_limits import is_spent, within

_CHUNK = 1 << 20
_DOWNLOAD_SECONDS = 120.0
# botocore tries a request again, and never the rest of an answer that was cut off.
_TRIES = 2


class CodeReader:
    """Reads digests as Lambda writes them: base64 of the SHA-256 of the code archive.

    A published object's digest is remembered, for its key is the hash of its content.
    """

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients
        self._published: dict[tuple[str, str], str] = {}

    def compare(self, code: FunctionCode, physical_name: str | None, aliases: Sequence[str] = ()) -> RunningFunction:
        """Read both digests of one function, and those of its aliases' versions.

        What cannot be read is None, with the reason. Raises nothing.
        """
        expected, not_expected = self._try_expected(code)
        running, not_running = self._try_running(code, physical_name)
        served = self._try_aliases(physical_name, aliases) if physical_name and aliases else ()
        unread = "; ".join(reason for reason in (not_expected, not_running) if reason)
        return RunningFunction(code.logical_id, expected, running, unread, served)

    def _try_aliases(self, name: str, aliases: Sequence[str]) -> tuple[ServedAlias, ...]:
        try:
            return read_aliases(self._clients, name, aliases, read_versions(self._clients, name))
        except ReleaseError as error:
            return tuple(ServedAlias(alias, "", None, unread=str(error)) for alias in aliases)

    def _try_expected(self, code: FunctionCode) -> tuple[str | None, str]:
        if not code.bucket or not code.key:
            return None, "the template names no published code"
        try:
            return self._expected(resolve_bucket(code.bucket, self._clients), code.key), ""
        except ReleaseError as error:
            return None, str(error)

    def _try_running(self, code: FunctionCode, physical_name: str | None) -> tuple[str | None, str]:
        if not physical_name:
            return None, f"the stack {code.stack} has no function {code.logical_id}"
        try:
            with aws_errors_told(f"describe the function {physical_name}"):
                told = self._clients.functions.get_function_configuration(FunctionName=physical_name)
        except ReleaseError as error:
            return None, str(error)
        return (told["CodeSha256"], "") if told.get("CodeSha256") else (None, "Lambda tells no digest")

    def _expected(self, bucket: str, key: str) -> str:
        if (bucket, key) not in self._published:
            self._published[bucket, key] = self._download(bucket, key)
        return self._published[bucket, key]

    def _download(self, bucket: str, key: str) -> str:
        with within(_DOWNLOAD_SECONDS):
            for _ in range(_TRIES - 1):
                try:
                    return self._digest(bucket, key)
                except TransientError:
                    if is_spent():
                        raise
            return self._digest(bucket, key)

    def _digest(self, bucket: str, key: str) -> str:
        digest = hashlib.sha256()
        what = f"read the published code {key} in {bucket}"
        with aws_errors_told(what, _DOWNLOAD_SECONDS):
            body = self._clients.s3.get_object(Bucket=bucket, Key=key)["Body"]
            for chunk in body.iter_chunks(_CHUNK):
                if is_spent():
                    raise TransientError(f"AWS could not {what}: it comes too slowly; try again in a moment")
                digest.update(chunk)
        return base64.b64encode(digest.digest()).decode("ascii")


def resolve_bucket(text: str, clients: AwsClients) -> str:
    """Fill the pseudo parameters of a bucket's name; the account is asked for only when the text needs it.

    Raises TransientError or PermanentError when the account cannot be told.
    """
    if "${AWS::AccountId}" in text:
        text = text.replace("${AWS::AccountId}", clients.account)
    return text.replace("${AWS::Region}", clients.region)


def read_versions(clients: AwsClients, name: str) -> tuple[PublishedVersion, ...]:
    """Read a function's published versions with what each was published with. Raises as every call of AWS."""
    with aws_errors_told(f"list the versions of the function {name}"):
        pages = clients.functions.get_paginator("list_versions_by_function").paginate(FunctionName=name)
        listed = [version for page in pages for version in page["Versions"]]
    return tuple(
        PublishedVersion(int(version["Version"]), version.get("CodeSha256", ""), function_settings(version))
        for version in listed
        if version["Version"].isdigit()
    )


def read_aliases(
    clients: AwsClients, name: str, aliases: Sequence[str], versions: Sequence[PublishedVersion]
) -> tuple[ServedAlias, ...]:
    """Read to which version each alias points, and that version's digest. Raises as every call of AWS."""
    digests = {str(version.number): version.digest for version in versions}
    found = []
    for alias in aliases:
        with aws_errors_told(f"read the alias {name}:{alias}"):
            told = clients.functions.get_alias(FunctionName=name, Name=alias)
        version = told["FunctionVersion"]
        weights = told.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        weighs = tuple(sorted(other for other, weight in weights.items() if weight))
        digest = digests.get(version) or None
        unread = "" if digest else f"Lambda lists no version {version}"
        found.append(ServedAlias(alias, version, digest, told.get("RevisionId", ""), weighs, unread))
    return tuple(found)
