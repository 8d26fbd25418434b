import { Alarm, ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Duration, Tags } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Environment, ServiceSettings } from './environment';

export interface Watched {
  environment: Environment;
  functions: Map<ServiceSettings, LambdaFunction>;
  apiId: string;
  clusterId: string;
  deadLetters: Queue;
}

const CONNECTIONS = { prod: 450, staging: 180, dev: 60 } as const;
// The proxy may use 80 % of the connections that the cluster allows.
const PROXY_SHARE = 0.8;

interface Rule {
  namespace: string;
  metric: string;
  dimensions: Record<string, string>;
  statistic: string;
  threshold: number;
}

/** Three alarms for each service and four for what they share; CloudFormation makes the physical names. */
export function addAlarms(scope: Construct, watched: Watched): void {
  const { environment } = watched;
  const { key, isProd } = environment;
  const alarm = (id: string, rule: Rule): void => {
    const created = new Alarm(scope, id, {
      alarmDescription: `${id} of NameCard ${key}`,
      metric: new Metric({
        namespace: rule.namespace,
        metricName: rule.metric,
        dimensionsMap: rule.dimensions,
        statistic: rule.statistic,
        period: Duration.minutes(5),
      }),
      evaluationPeriods: 1,
      threshold: rule.threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    Tags.of(created).add('namecard:environment', key);
  };

  for (const [settings, fn] of watched.functions) {
    const lambda = { namespace: 'AWS/Lambda', dimensions: { FunctionName: fn.functionName } };
    alarm(`${settings.id}ErrorsAlarm`, { ...lambda, metric: 'Errors', statistic: 'Sum', threshold: isProd ? 1 : 3 });
    alarm(`${settings.id}ThrottlesAlarm`, { ...lambda, metric: 'Throttles', statistic: 'Sum', threshold: 1 });
    // In milliseconds, as Duration is: 80 % of the timeout.
    alarm(`${settings.id}LatencyAlarm`, { ...lambda, metric: 'Duration', statistic: 'p95', threshold: settings.timeoutSeconds * 800 });
  }
  alarm('HttpApiLatencyAlarm', {
    namespace: 'AWS/ApiGateway',
    metric: 'Latency',
    dimensions: { ApiId: watched.apiId },
    statistic: 'p95',
    threshold: isProd ? 750 : 1200,
  });
  alarm('DbConnectionsAlarm', {
    namespace: 'AWS/RDS',
    metric: 'DatabaseConnections',
    dimensions: { DBClusterIdentifier: watched.clusterId },
    statistic: 'Maximum',
    threshold: CONNECTIONS[key],
  });
  alarm('RdsProxyConnectionsAlarm', {
    namespace: 'AWS/RDS',
    metric: 'DatabaseConnections',
    dimensions: { ProxyName: `namecard-${key}-proxy` },
    statistic: 'Maximum',
    threshold: CONNECTIONS[key] * PROXY_SHARE,
  });
  alarm('LambdaDeadLetterQueueAlarm', {
    namespace: 'AWS/SQS',
    metric: 'ApproximateNumberOfMessagesVisible',
    dimensions: { QueueName: watched.deadLetters.queueName },
    statistic: 'Maximum',
    threshold: isProd ? 1 : 5,
  });
}
