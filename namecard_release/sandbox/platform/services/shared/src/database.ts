import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Pool } from 'pg';

interface Secret {
  host: string;
  port: number;
  username: string;
  password: string;
  dbname: string;
}

let shared: Promise<Pool> | undefined;

async function readSecret(): Promise<Secret> {
  const answer = await new SecretsManagerClient({}).send(new GetSecretValueCommand({ SecretId: process.env.DB_SECRET_ARN }));
  return JSON.parse(answer.SecretString ?? '{}') as Secret;
}

async function connect(): Promise<Pool> {
  const secret = process.env.DB_SECRET_ARN
    ? await readSecret()
    : {
        host: process.env.DB_HOST ?? 'localhost',
        port: Number(process.env.DB_PORT ?? 5432),
        username: process.env.DB_USER ?? 'namecard_user',
        password: process.env.DB_PASSWORD ?? 'namecard_password',
        dbname: process.env.DB_NAME ?? 'namecard_dev',
      };
  const created = new Pool({
    // The proxy, where there is one, stands before the cluster that the secret names.
    host: process.env.DB_PROXY_HOST || secret.host,
    port: Number(secret.port),
    user: secret.username,
    password: secret.password,
    database: secret.dbname,
    // A Lambda serves one request at a time; the second connection covers a query that outlives its request.
    max: 2,
    idleTimeoutMillis: 60_000,
    connectionTimeoutMillis: 5_000,
  });
  // Without a listener, a connection cut by a failover while idle would end the whole process.
  created.on('error', () => undefined);
  return created;
}

/** The warm pool of this process; a failed first attempt is forgotten, so that the next request tries again. */
export function pool(): Promise<Pool> {
  shared ??= connect().catch((error: unknown) => {
    shared = undefined;
    throw error;
  });
  return shared;
}

export async function closePool(): Promise<void> {
  const current = shared;
  shared = undefined;
  await (await current)?.end();
}
