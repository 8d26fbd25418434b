import { CfnDBCluster } from 'aws-cdk-lib/aws-rds';
import { CfnSecret, CfnSecretTargetAttachment } from 'aws-cdk-lib/aws-secretsmanager';
import { CfnOutput, Fn, Stack } from 'aws-cdk-lib/core';
import type { StackProps } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { ContextError } from './environment';
import type { Environment } from './environment';

export interface DbStackProps extends StackProps {
  environment: Environment;
}

/** The Aurora cluster and the secret that says how to reach it. */
export class DbStack extends Stack {
  readonly clusterId: string;
  readonly secretArn: string;
  readonly proxyEndpoint: string;

  constructor(scope: Construct, id: string, props: DbStackProps) {
    super(scope, id, props);
    const { key, isProd } = props.environment;
    const context = (name: string, fallback: string): string => String(this.node.tryGetContext(name) ?? fallback);
    const host = context('dbHost', '');
    const port = Number(context('dbPort', '5432'));
    const username = context('dbUser', 'namecard_user');
    const dbname = context('dbName', 'namecard');
    const secretName = `namecard/database/${key}`;

    // With dbHost, the database is a server that is there already (the sandbox's), and its known password comes
    // in from outside; the cluster is then a record of the control plane only. Without it, the password is made
    // by Secrets Manager, and the attachment writes the cluster's endpoint into the secret.
    const password = context('dbPassword', process.env.NAMECARD_DB_PASSWORD ?? '');
    if (host && !password) throw new ContextError('--context dbHost= needs dbPassword or NAMECARD_DB_PASSWORD');
    const secret = new CfnSecret(this, 'DatabaseSecret', {
      name: secretName,
      description: 'How the services reach the database',
      ...(host
        ? { secretString: JSON.stringify({ host, port, username, password, dbname }) }
        : {
            generateSecretString: {
              secretStringTemplate: JSON.stringify({ username }),
              generateStringKey: 'password',
              passwordLength: 32,
              excludeCharacters: '"@/\\\' ',
            },
          }),
    });

    const cluster = new CfnDBCluster(this, 'Aurora', {
      dbClusterIdentifier: `namecard-${key}-aurora`,
      engine: 'aurora-postgresql',
      databaseName: dbname,
      port,
      masterUsername: username,
      masterUserPassword: Fn.join('', ['{{resolve:secretsmanager:', secret.ref, ':SecretString:password}}']),
      serverlessV2ScalingConfiguration: { minCapacity: 0.5, maxCapacity: isProd ? 16 : 4 },
      storageEncrypted: true,
      backupRetentionPeriod: isProd ? 14 : 3,
      deletionProtection: isProd,
    });
    if (!host) {
      new CfnSecretTargetAttachment(this, 'DatabaseSecretAttachment', {
        secretId: secret.ref,
        targetId: cluster.ref,
        targetType: 'AWS::RDS::DBCluster',
      });
    }

    this.clusterId = cluster.ref;
    this.secretArn = secret.ref;
    // The emulator's CloudFormation knows no DBProxy: the endpoint of the proxy is that of the cluster.
    this.proxyEndpoint = host || cluster.attrEndpointAddress;
    new CfnOutput(this, 'ClusterIdentifier', { value: cluster.ref });
    new CfnOutput(this, 'DatabaseSecretArn', { value: secret.ref });
  }
}
