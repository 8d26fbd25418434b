"""The buckets that an environment's account has beside its stacks; in the sandbox they are made when it comes up."""

from __future__ import annotations

from typing import Any

from namecard_release.sandbox.emulator_process import REGION


def ensure_bucket(endpoint: str, name: str) -> None:
    """Make a bucket in the emulated account unless it is there."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "path"}),
    )
    # boto3 types this by the literal names of regions.
    place: Any = {"LocationConstraint": REGION}
    try:
        client.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "BucketAlreadyOwnedByYou":
            raise
