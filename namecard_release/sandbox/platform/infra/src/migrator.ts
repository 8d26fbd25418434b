/** The Lambda behind RunMigrations: applies the bundled SQL files, and always answers CloudFormation itself. */
import { existsSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { applyMigrations, closePool, createLogger, discover, pool } from '@namecard/shared';
import type { Logger } from '@namecard/shared';

export interface MigratorEvent {
  RequestType: 'Create' | 'Update' | 'Delete';
  ResponseURL?: string;
  StackId?: string;
  RequestId?: string;
  LogicalResourceId?: string;
  ResourceProperties?: { version?: string; pause?: string };
}

export interface Outcome {
  version: string;
  applied: number;
  status: 'applied' | 'paused' | 'empty' | 'deleted';
}

export function isPaused(environment: Record<string, string | undefined>, pause: string | undefined): boolean {
  const mode = environment.MIGRATIONS_MODE ?? environment.MIGRATION_MODE;
  return mode === 'paused' || environment.MIGRATIONS_PAUSED === '1' || environment.MIGRATIONS_DISABLED === '1' || pause === 'true';
}

async function migrate(event: MigratorEvent, logger: Logger): Promise<Outcome> {
  const version = event.ResourceProperties?.version ?? 'unversioned';
  if (event.RequestType === 'Delete') return { version, applied: 0, status: 'deleted' };
  if (isPaused(process.env, event.ResourceProperties?.pause)) {
    logger.info('Migrations are paused; applying nothing.', { version });
    return { version, applied: 0, status: 'paused' };
  }
  const folder = join(__dirname, 'migrations');
  const migrations = existsSync(folder) ? discover([folder]) : [];
  if (migrations.length === 0) {
    logger.info('No migrations discovered; skipping execution.', { version });
    return { version, applied: 0, status: 'empty' };
  }
  const client = await (await pool()).connect();
  try {
    const batch = `${version}-${process.env.MIGRATIONS_RUN_ID ?? Date.now()}`;
    const result = await applyMigrations(client, migrations, version, batch, (message, data) => logger.info(message, data));
    logger.info('migrations.completed', { version, discovered: result.discovered, applied: result.applied });
    return { version, applied: result.applied.length, status: 'applied' };
  } finally {
    client.release();
  }
}

function answer(event: MigratorEvent, status: 'SUCCESS' | 'FAILED', reason: string, data: object): Promise<void> {
  const body = JSON.stringify({
    Status: status,
    // CloudFormation refuses answers above 4 KiB.
    Reason: reason.slice(0, 1500),
    // The same id for ever: a new one would have CloudFormation delete "the old resource" after an update.
    PhysicalResourceId: 'namecard-schema-migrations',
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    Data: data,
  });
  const url = new URL(event.ResponseURL ?? '');
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const call = send(url, { method: 'PUT', headers: { 'content-type': '', 'content-length': Buffer.byteLength(body) } }, (response) => {
      response.resume();
      response.on('end', resolve);
    });
    call.on('error', reject);
    call.end(body);
  });
}

export async function handler(event: MigratorEvent, context: { awsRequestId: string }): Promise<Outcome | undefined> {
  const logger = createLogger({
    service: 'migrator',
    requestId: event.RequestId ?? context.awsRequestId,
    invocationId: context.awsRequestId,
    coldStart: true,
    correlationIds: { 'aws-request-id': context.awsRequestId },
  });
  try {
    const outcome = await migrate(event, logger);
    if (event.ResponseURL) await answer(event, 'SUCCESS', outcome.status, outcome);
    return outcome;
  } catch (error) {
    logger.error('migrations.failed', error, { version: event.ResourceProperties?.version });
    // A direct call has nobody to answer: there the error itself is the answer.
    if (!event.ResponseURL) throw error;
    await answer(event, 'FAILED', (error as Error).message, {});
    return undefined;
  } finally {
    // The next run may come after a failover or with a new secret: it shall connect anew.
    await closePool().catch(() => undefined);
  }
}
