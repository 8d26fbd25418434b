"""The archive of dead letters on S3: gzipped JSON lines, one object for each batch of a service. No decision here.

Objects keep payloads as they came, secrets and all: the bucket is what protects them (docs/dead-letters.md). Their keys
and metadata hold none of it.
"""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.dlq_port import ArchiveLine
from namecard_release.domain.dead_letters import BodyFormat, DeadLetter, Mark
from namecard_release.errors import PermanentError, RefusedError

_FAST = 1
_QUARANTINE = "quarantine/"


class S3DeadLetterArchive:
    """One bucket of one account. Keeps the port `DeadLetterArchive`.

    `account` is asked of S3 as the bucket's owner, so that no payload goes into somebody else's bucket of that name.
    """

    def __init__(
        self, clients: AwsClients, bucket: str, prefix: str, kms_key: str | None = None, account: str | None = None
    ) -> None:
        self._clients = clients
        self._bucket = bucket
        self._prefix = prefix
        self._owner = {} if account is None else {"ExpectedBucketOwner": account}
        encryption = {"ServerSideEncryption": "AES256"}
        self._encryption = (
            encryption if kms_key is None else {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}
        )

    def put(self, lines: Sequence[ArchiveLine], *, quarantine: bool) -> str:
        """Keep lines of one environment and service in one new object, and give its key once S3 has it."""
        first = lines[0]
        key = f"{self._folder(first.environment, quarantine=quarantine)}{_partition(first.service, first.filed_at)}"
        key += f"{uuid.uuid4().hex}.jsonl.gz"
        body = gzip.compress(b"".join(_write(line) for line in lines), _FAST)
        extra: Any = {**self._encryption, **self._owner}
        with aws_errors_told(f"archive dead letters in the bucket {self._bucket}"):
            self._clients.s3.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType="application/gzip", **extra
            )
        return key

    def read(self, key: str) -> tuple[ArchiveLine, ...]:
        """Read one object back. Raises RefusedError when there is none, PermanentError for one that is no archive."""
        from botocore.exceptions import ClientError

        owner: Any = self._owner
        with aws_errors_told(f"read {key} in the bucket {self._bucket}"):
            try:
                content = self._clients.s3.get_object(Bucket=self._bucket, Key=key, **owner)["Body"].read()
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "NoSuchKey":
                    raise RefusedError(f"there is no object {key} in the bucket {self._bucket}") from error
                raise
        try:
            return tuple(_read(orjson.loads(line)) for line in gzip.decompress(content).splitlines())
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise PermanentError(f"{key} is no archive of dead letters, or was cut short: {error}") from error

    def list_keys(self, environment: str, service: str | None, date: str | None, *, quarantine: bool) -> Iterator[str]:
        """List the objects of an environment; of a service, of a date where given."""
        prefix = self._folder(environment, quarantine=quarantine)
        prefix += f"service={service}/" if service is not None else ""
        part = None if date is None else f"/date={date}/"
        owner: Any = self._owner
        with aws_errors_told(f"list the bucket {self._bucket}"):
            pages = self._clients.s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, **owner
            )
            # All of them, before the first is given: what is done with one is not in the time of the listing.
            listed = [found["Key"] for page in pages for found in page.get("Contents", ())]
        yield from (key for key in listed if part is None or part in key)

    def _folder(self, environment: str, *, quarantine: bool) -> str:
        return f"{self._prefix}{_QUARANTINE if quarantine else ''}env={environment}/"


def _partition(service: str, at: datetime) -> str:
    return f"service={service}/date={at:%Y-%m-%d}/hour={at:%H}/"


def _write(line: ArchiveLine) -> bytes:
    return orjson.dumps(line, default=sorted, option=orjson.OPT_APPEND_NEWLINE)


def _read(told: Mapping[str, Any]) -> ArchiveLine:
    letter = dict(told["letter"])
    letter["body_format"] = BodyFormat(letter["body_format"])
    letter["sent_at"] = datetime.fromisoformat(letter["sent_at"])
    letter["mark"] = None if letter["mark"] is None else Mark(**letter["mark"])
    letter["facts"] = frozenset(letter["facts"])
    filed_at = datetime.fromisoformat(told["filed_at"])
    return ArchiveLine(**{**told, "letter": DeadLetter(**letter), "filed_at": filed_at})
