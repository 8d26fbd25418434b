"""The GraphQL texts that `dagster_api` sends, for the pinned Dagster. Sending them does not belong here."""

from __future__ import annotations

REPOSITORIES = """query { repositoriesOrError { __typename
  ... on RepositoryConnection { nodes { name location { name } pipelines { name } } }
  ... on Error { message } } }"""

LOCATIONS = """query { workspaceOrError { __typename
  ... on Workspace { locationEntries { name loadStatus locationOrLoadError { __typename
    ... on PythonError { message errorChain { error { message } } } } } }
  ... on Error { message } } }"""

ADD_PARTITION = """mutation($selector: RepositorySelector!, $definition: String!, $key: String!) {
  addDynamicPartition(repositorySelector: $selector, partitionsDefName: $definition, partitionKey: $key) {
    __typename ... on Error { message } } }"""

LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } }
  ... on RunConfigValidationInvalid { errors { message } }
  ... on Error { message } } }"""

STATUS = """query($run: ID!) { runOrError(runId: $run) { __typename
  ... on Run { status }
  ... on Error { message } } }"""

TAGS = """query($run: ID!) { runOrError(runId: $run) { __typename
  ... on Run { tags { key value } }
  ... on Error { message } } }"""

STEPS = """query($run: ID!) { runOrError(runId: $run) { __typename
  ... on Run { stepStats { stepKey status startTime endTime } }
  ... on Error { message } } }"""

TERMINATE = """mutation($run: String!, $policy: TerminateRunPolicy!) {
  terminateRun(runId: $run, terminatePolicy: $policy) { __typename
    ... on TerminateRunFailure { message }
    ... on Error { message } } }"""
