import { CfnStage, HttpApi, HttpMethod, HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Alias, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { CfnOutput, CustomResource, Duration, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib/core';
import type { StackProps } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { join } from 'node:path';
import { addAlarms } from './alarms';
import { addDashboard } from './dashboard';
import type { DbStack } from './db-stack';
import { SERVICES } from './environment';
import type { Environment, ServiceSettings } from './environment';

export interface ApiStackProps extends StackProps {
  environment: Environment;
  db: DbStack;
}

// The SDK's notice about the Node version would stand between the JSON lines of the log.
const QUIET_SDK = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };

/** The migrator, the six services behind one HTTP API, and what watches them. */
export class ApiStack extends Stack {
  constructor(scope: Construct, id: string, props: ApiStackProps) {
    super(scope, id, props);
    const { environment, db } = props;
    const { key } = environment;
    const version = String(this.node.tryGetContext('migrationsVersion') ?? 'unversioned');

    const deadLetters = new Queue(this, 'LambdaDeadLetterQueue', {
      queueName: `namecard-${key}-lambda-dlq`,
      retentionPeriod: Duration.days(environment.isProd ? 14 : 7),
    });
    const role = this.lambdaRole('ServiceRole', db.secretArn);
    const migrations = this.migrations(db, version);

    const api = new HttpApi(this, 'HttpApi', { apiName: `namecard-${key}`, createDefaultStage: false });
    const stage = new HttpStage(this, 'HttpStage', { httpApi: api, stageName: key, autoDeploy: true });
    this.accessLogs(stage, key);

    const functions = new Map<ServiceSettings, LambdaFunction>();
    for (const settings of SERVICES) {
      const fn = new LambdaFunction(this, `${settings.id}Function`, {
        runtime: Runtime.NODEJS_20_X,
        handler: 'index.handler',
        code: Code.fromAsset(join(__dirname, 'lambda', settings.service)),
        memorySize: 256,
        timeout: Duration.seconds(settings.timeoutSeconds),
        role,
        deadLetterQueue: deadLetters,
        reservedConcurrentExecutions: environment.isProd ? settings.reservedInProd : undefined,
        // A version that a deploy leaves is kept: an alias can go back to it at once.
        currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
        environment: {
          DB_SECRET_ARN: db.secretArn,
          DB_PROXY_HOST: db.proxyEndpoint,
          RELEASE_VERSION: version,
          SERVICE_NAME: settings.service,
          STAGE: key,
          ...QUIET_SDK,
        },
      });
      // The old code stays until the schema is there.
      fn.node.addDependency(migrations);
      this.logGroup(`${settings.id}LogGroup`, fn);
      functions.set(settings, fn);
      const integration = new HttpLambdaIntegration(`${settings.id}Integration`, this.target(settings, fn, environment));
      for (const path of [`/v1/${settings.service}`, `/v1/${settings.service}/{proxy+}`]) {
        api.addRoutes({ path, methods: [HttpMethod.ANY], integration });
      }
    }

    addAlarms(this, { environment, functions, apiId: api.apiId, clusterId: db.clusterId, deadLetters });
    addDashboard(this, { key, functions, apiId: api.apiId, clusterId: db.clusterId, deadLetters });

    // An emulator serves every API below one address of its own; on AWS each API has its own host name.
    const base = this.node.tryGetContext('httpApiBase') as string | undefined;
    new CfnOutput(this, 'HttpApiUrl', {
      value: base ? Fn.join('/', [base.replace(/\/+$/, ''), api.apiId]) : api.apiEndpoint,
    });
    new CfnOutput(this, 'RdsProxyEndpoint', { value: db.proxyEndpoint });
    new CfnOutput(this, 'ReleaseVersion', { value: version });
  }

  private lambdaRole(id: string, secretArn: string): Role {
    const role = new Role(this, id, {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSLambdaBasicExecutionRole')],
    });
    role.addToPolicy(new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [secretArn] }));
    return role;
  }

  private migrations(db: DbStack, version: string): CustomResource {
    const migrator = new LambdaFunction(this, 'SchemaMigrator', {
      runtime: Runtime.NODEJS_20_X,
      handler: 'index.handler',
      code: Code.fromAsset(join(__dirname, 'migrator')),
      memorySize: 512,
      timeout: Duration.seconds(55),
      role: this.lambdaRole('MigratorRole', db.secretArn),
      environment: { DB_SECRET_ARN: db.secretArn, ...QUIET_SDK },
    });
    const logs = this.logGroup('SchemaMigratorLogGroup', migrator);
    const run = new CustomResource(this, 'RunMigrations', {
      serviceToken: migrator.functionArn,
      // Shorter than the default hour: a migrator that dies unheard must not hold the stack that long.
      serviceTimeout: Duration.seconds(60),
      resourceType: 'Custom::RunMigrations',
      properties: { version, pause: String(this.node.tryGetContext('pauseMigrations') ?? 'false') },
    });
    run.node.addDependency(migrator, logs);
    return run;
  }

  private target(settings: ServiceSettings, fn: LambdaFunction, environment: Environment): IFunction {
    if (!environment.isProd || settings.provisionedInProd === undefined) return fn;
    return new Alias(this, `${settings.id}ProdLive`, {
      aliasName: 'prod-live',
      version: fn.currentVersion,
      provisionedConcurrentExecutions: settings.provisionedInProd,
    });
  }

  private logGroup(id: string, fn: LambdaFunction): LogGroup {
    return new LogGroup(this, id, {
      logGroupName: `/aws/lambda/${fn.functionName}`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  private accessLogs(stage: HttpStage, key: string): void {
    const group = new LogGroup(this, 'HttpAccessLogs', {
      logGroupName: `/namecard/${key}/http-access`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const field = (name: string): string => `$context.${name}`;
    (stage.node.defaultChild as CfnStage).accessLogSettings = {
      destinationArn: group.logGroupArn,
      format: JSON.stringify({
        httpMethod: field('httpMethod'),
        ip: field('identity.sourceIp'),
        protocol: field('protocol'),
        requestTime: field('requestTime'),
        resourcePath: field('routeKey'),
        responseLength: field('responseLength'),
        status: field('status'),
        user: field('identity.user'),
        caller: field('identity.caller'),
      }),
    };
  }
}
