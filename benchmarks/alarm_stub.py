"""CloudWatch and CloudFormation on loopback, as they answer about many alarms: the wire's format, nothing behind it.

A process of its own, `python -m benchmarks.alarm_stub STACKS ALARMS`; it prints its port. The emulator looks through
all its alarms for each name of each call, which would hide what the client costs.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs

PAGE = 100
_PLACE = "arn:aws:cloudwatch:ap-southeast-1:000000000000:alarm"
_LIST = """<ListStackResourcesResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">\
<ListStackResourcesResult><StackResourceSummaries>{members}</StackResourceSummaries>{token}</ListStackResourcesResult>\
<ResponseMetadata><RequestId>b9b4b068-3a41-11e5-94eb-example</RequestId></ResponseMetadata></ListStackResourcesResponse>"""
_MEMBER = """<member><ResourceStatus>CREATE_COMPLETE</ResourceStatus><LogicalResourceId>{logical}</LogicalResourceId>\
<LastUpdatedTimestamp>2026-03-02T09:00:00.000Z</LastUpdatedTimestamp><PhysicalResourceId>{physical}</PhysicalResourceId>\
<ResourceType>AWS::CloudWatch::Alarm</ResourceType><DriftInformation><StackDriftStatus>NOT_CHECKED</StackDriftStatus>\
</DriftInformation></member>"""


def logical_id(number: int) -> str:
    """Name an alarm of the kind that decides, another one for each number."""
    word = "".join(chr(97 + (number // 26**place) % 26) for place in range(4))
    return f"S{word}ServiceErrorsAlarm{number:08X}"


def physical_name(stack: str, number: int) -> str:
    """Name the alarm as CloudFormation does."""
    return f"{stack}-{logical_id(number)}-AbCdEfGh1234"


def describe(name: str) -> dict[str, Any]:
    """Describe an alarm as CloudWatch does, every field that such an alarm has."""
    return {
        "AlarmName": name,
        "AlarmArn": f"{_PLACE}:{name}",
        "AlarmDescription": "Lambda errors within five minutes",
        "AlarmConfigurationUpdatedTimestamp": 1772442000.123,
        "ActionsEnabled": True,
        "OKActions": [],
        "AlarmActions": ["arn:aws:sns:ap-southeast-1:000000000000:namecard-alarms"],
        "InsufficientDataActions": [],
        "StateValue": "OK",
        "StateReason": "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was "
        "treated as [NonBreaching].",
        "StateReasonData": '{"version":"1.0","queryDate":"2026-03-02T09:00:00.000+0000","statistic":"Sum",'
        '"period":300,"recentDatapoints":[],"threshold":1.0,"evaluatedDatapoints":[]}',
        "StateUpdatedTimestamp": 1772442000.123,
        "StateTransitionedTimestamp": 1772442000.123,
        "MetricName": "Errors",
        "Namespace": "AWS/Lambda",
        "Statistic": "Sum",
        "Dimensions": [{"Name": "FunctionName", "Value": name}],
        "Period": 300,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }


class Stub(BaseHTTPRequestHandler):
    """Answers DescribeAlarms (JSON) by names and page by page, and ListStackResources (query)."""

    protocol_version = "HTTP/1.1"
    names: ClassVar[list[str]] = []
    answers: ClassVar[dict[str, str]] = {}
    stacks: ClassVar[dict[str, range]] = {}

    def do_POST(self) -> None:
        """Answer one call."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        target = self.headers.get("X-Amz-Target", "")
        if target.endswith(".DescribeAlarms"):
            self._send(self._describe(json.loads(body)), "application/x-amz-json-1.0")
        else:
            asked = {key: values[0] for key, values in parse_qs(body.decode()).items()}
            self._send(self._list(asked["StackName"], int(asked.get("NextToken", "0"))), "text/xml")

    def _describe(self, asked: dict[str, Any]) -> str:
        if asked.get("AlarmNames"):
            found, token = [self.answers[name] for name in asked["AlarmNames"] if name in self.answers], ""
        else:
            start, size = int(asked.get("NextToken") or 0), int(asked.get("MaxRecords") or 50)
            found = [self.answers[name] for name in self.names[start : start + size]]
            token = f',"NextToken":"{start + size}"' if start + size < len(self.names) else ""
        return f'{{"MetricAlarms":[{",".join(found)}],"CompositeAlarms":[]{token}}}'

    def _list(self, stack: str, start: int) -> str:
        own = self.stacks[stack]
        members = [
            _MEMBER.format(logical=logical_id(n), physical=physical_name(stack, n)) for n in own[start : start + PAGE]
        ]
        token = f"<NextToken>{start + PAGE}</NextToken>" if start + PAGE < len(own) else ""
        return _LIST.format(members="".join(members), token=token)

    def _send(self, text: str, kind: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("x-amzn-RequestId", "b9b4b068-3a41-11e5-94eb-example")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def stack_name(number: int) -> str:
    """Name a stack."""
    return f"NameCardAlarms{number:02}-staging"


def main() -> None:
    """Serve until the process is ended."""
    stacks, alarms = int(sys.argv[1]), int(sys.argv[2])
    each = alarms // stacks
    Stub.stacks = {stack_name(n): range(n * each, (n + 1) * each) for n in range(stacks)}
    Stub.names = [physical_name(stack, n) for stack, own in Stub.stacks.items() for n in own]
    Stub.answers = {name: json.dumps(describe(name), separators=(",", ":")) for name in Stub.names}
    # A call's headers and body come in two packets: without this each call waits for the delayed acknowledgement.
    Stub.disable_nagle_algorithm = True
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
