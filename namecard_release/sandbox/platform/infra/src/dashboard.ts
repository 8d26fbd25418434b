import { Dashboard, GraphWidget, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Key, ServiceSettings } from './environment';

export interface Shown {
  key: Key;
  functions: Map<ServiceSettings, LambdaFunction>;
  apiId: string;
  clusterId: string;
  deadLetters: Queue;
}

/** What the runbook has a person look at first. */
export function addDashboard(scope: Construct, shown: Shown): void {
  const perFunction = (metricName: string, statistic: string): Metric[] =>
    [...shown.functions].map(
      ([settings, fn]) =>
        new Metric({
          namespace: 'AWS/Lambda',
          metricName,
          statistic,
          label: settings.service,
          period: Duration.minutes(5),
          dimensionsMap: { FunctionName: fn.functionName },
        }),
    );
  const one = (namespace: string, metricName: string, statistic: string, dimensionsMap: Record<string, string>): Metric =>
    new Metric({ namespace, metricName, statistic, dimensionsMap, period: Duration.minutes(5) });

  new Dashboard(scope, 'Observability', {
    dashboardName: `namecard-${shown.key}-observability`,
    widgets: [
      [
        new GraphWidget({ title: 'Lambda errors', width: 12, left: perFunction('Errors', 'Sum') }),
        new GraphWidget({ title: 'Lambda duration p95', width: 12, left: perFunction('Duration', 'p95') }),
      ],
      [
        new GraphWidget({ title: 'HTTP API latency', width: 8, left: [one('AWS/ApiGateway', 'Latency', 'p95', { ApiId: shown.apiId })] }),
        new GraphWidget({
          title: 'DLQ depth',
          width: 8,
          left: [one('AWS/SQS', 'ApproximateNumberOfMessagesVisible', 'Maximum', { QueueName: shown.deadLetters.queueName })],
        }),
        new GraphWidget({
          title: 'Database connections',
          width: 8,
          left: [
            one('AWS/RDS', 'DatabaseConnections', 'Maximum', { DBClusterIdentifier: shown.clusterId }),
            one('AWS/RDS', 'DatabaseConnections', 'Maximum', { ProxyName: `namecard-${shown.key}-proxy` }),
          ],
        }),
      ],
    ],
  });
}
