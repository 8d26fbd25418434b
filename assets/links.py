"""Links from a deployment to where a person looks next. An emulated AWS has no console, so it gets none."""

import dagster as dg

from assets.evidence import Metadata
from namecard_release.settings import Settings


def console_links(settings: Settings, environment: str) -> Metadata:
    """Link an environment's stacks and its dashboard (runbook section 2) in the AWS console."""
    if settings.aws.endpoint_url is not None:
        return {}
    own = settings.environment(environment)
    console = f"https://{own.region}.console.aws.amazon.com"
    stacks = f"{console}/cloudformation/home?region={own.region}#/stacks?filteringText={own.stack_names[-1]}"
    board = f"{console}/cloudwatch/home?region={own.region}#dashboards/dashboard/namecard-{own.key}-observability"
    return {"stacks": dg.MetadataValue.url(stacks), "dashboard": dg.MetadataValue.url(board)}
