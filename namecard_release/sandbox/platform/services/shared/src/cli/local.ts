import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';

/** The migration folders of this checkout; the script runner says where it lies. */
export function migrationFolders(): string[] {
  const services = join(process.env.NAMECARD_ROOT ?? '.', 'services');
  return readdirSync(services)
    .map((service) => join(services, service, 'migrations'))
    .filter((folder) => existsSync(folder));
}

/** Runs the work on the database of DB_*; any error is one ERROR line and exit code 1. */
export async function withLocalDatabase(work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({
    host: process.env.DB_HOST ?? 'localhost',
    port: Number(process.env.DB_PORT ?? 5432),
    user: process.env.DB_USER ?? 'namecard_user',
    password: process.env.DB_PASSWORD ?? 'namecard_password',
    database: process.env.DB_NAME ?? 'namecard_dev',
    connectionTimeoutMillis: 10_000,
  });
  try {
    await client.connect();
    await work(client);
  } catch (error) {
    process.stderr.write(`ERROR: ${(error as Error).message}\n`);
    process.exitCode = 1;
  } finally {
    await client.end().catch(() => undefined);
  }
}
