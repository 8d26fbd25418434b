import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientBase } from 'pg';

export interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

export interface Applied {
  discovered: number;
  applied: string[];
}

export interface Drift {
  missing: string[];
  changed: string[];
  unknown: string[];
}

const NAME = /^\d{4}-\d{2}-\d{2}T\d{4}__[a-z0-9-]+__[a-z0-9-]+\.sql$/;
// The same pair everywhere: whoever cannot take it knows that a run is in progress.
const LOCK = '1867, 2401';

const LEDGER = `create table if not exists public.schema_migrations (
  name text primary key,
  checksum text not null,
  applied_at timestamptz not null default now(),
  execution_ms integer not null,
  batch_id text,
  app_version text
)`;

export function checksum(sql: string): string {
  return createHash('sha256').update(sql, 'utf8').digest('hex');
}

/** The migrations of the given folders in the order of their names, which are unique over all of them. */
export function discover(folders: string[]): Migration[] {
  return folders
    .flatMap((folder) => readdirSync(folder).map((name) => ({ name, path: join(folder, name) })))
    .filter(({ name }) => NAME.test(name))
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .map(({ name, path }) => {
      const sql = readFileSync(path, 'utf8');
      return { name, sql, checksum: checksum(sql) };
    });
}

/** Applies what the ledger lacks, each file with its ledger row in one transaction, under the session lock. */
export async function applyMigrations(
  client: ClientBase,
  migrations: Migration[],
  version: string,
  batchId: string,
  log: (message: string, data: Record<string, unknown>) => void,
): Promise<Applied> {
  await client.query(`select pg_advisory_lock(${LOCK})`);
  try {
    await client.query(LEDGER);
    const rows = await client.query<{ name: string; checksum: string }>('select name, checksum from public.schema_migrations');
    const ledger = new Map(rows.rows.map((row) => [row.name, row.checksum]));
    for (const migration of migrations) {
      const known = ledger.get(migration.name);
      if (known !== undefined && known !== migration.checksum) {
        throw new Error(`Checksum mismatch for applied migration ${migration.name}: ledger ${known}, file ${migration.checksum}`);
      }
    }
    const applied: string[] = [];
    for (const migration of migrations.filter(({ name }) => !ledger.has(name))) {
      await applyOne(client, migration, version, batchId);
      applied.push(migration.name);
      log('migration.applied', { name: migration.name, version });
    }
    return { discovered: migrations.length, applied };
  } finally {
    await client.query(`select pg_advisory_unlock(${LOCK})`);
  }
}

async function applyOne(client: ClientBase, migration: Migration, version: string, batchId: string): Promise<void> {
  const started = performance.now();
  await client.query('begin');
  try {
    await client.query(migration.sql);
    await client.query(
      'insert into public.schema_migrations (name, checksum, execution_ms, batch_id, app_version) values ($1, $2, $3, $4, $5)',
      [migration.name, migration.checksum, Math.round(performance.now() - started), batchId, version],
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw new Error(`Migration ${migration.name} failed: ${(error as Error).message}`, { cause: error });
  }
}

/** Compares the ledger with the files; refuses while a migration run holds the lock. */
export async function validateLedger(client: ClientBase, migrations: Migration[]): Promise<Drift> {
  const lock = await client.query<{ taken: boolean }>(`select pg_try_advisory_lock(${LOCK}) as taken`);
  if (!lock.rows[0]?.taken) throw new Error('a migration run is in progress');
  try {
    const there = await client.query<{ name: string | null }>("select to_regclass('public.schema_migrations')::text as name");
    const rows = there.rows[0]?.name
      ? (await client.query<{ name: string; checksum: string }>('select name, checksum from public.schema_migrations order by name')).rows
      : [];
    return compare(new Map(rows.map((row) => [row.name, row.checksum])), migrations);
  } finally {
    await client.query(`select pg_advisory_unlock(${LOCK})`);
  }
}

export function compare(ledger: Map<string, string>, migrations: Migration[]): Drift {
  const files = new Map(migrations.map((migration) => [migration.name, migration.checksum]));
  return {
    missing: [...files.keys()].filter((name) => !ledger.has(name)),
    changed: [...files].filter(([name, sum]) => ledger.has(name) && ledger.get(name) !== sum).map(([name]) => name),
    unknown: [...ledger.keys()].filter((name) => !files.has(name)),
  };
}
