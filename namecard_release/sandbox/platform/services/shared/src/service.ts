import { pool } from './database';
import type { ColumnOf, TableName } from './generated/tables';
import { withHttpObservability } from './observability';
import type { HttpEvent, HttpResponse } from './observability';
import { deleteRow, insertRow, listRows, ValidationError } from './rows';
import type { Page, RowSource } from './rows';

export interface ServiceDefinition<T extends TableName> extends RowSource<T> {
  service: string;
  /** Turns a request's body into a row; throws ValidationError for what a client got wrong. */
  toRow(body: Record<string, unknown>): Partial<Record<ColumnOf<T>, unknown>>;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
// What PostgreSQL says when a row refers to nothing, is there already, or holds a malformed value.
const CLIENT_ERRORS = new Set(['23503', '23505', '22P02']);

const json = (statusCode: number, body: unknown): HttpResponse => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

export function localPath(event: HttpEvent): string {
  const stage = event.requestContext.stage;
  const path = event.rawPath;
  // Outside the $default stage, API Gateway leaves the stage in rawPath.
  return stage && path.startsWith(`/${stage}/`) ? path.slice(stage.length + 1) : path;
}

export function readPage(query: Record<string, string | undefined>): Page {
  const limit = query.limit === undefined ? 20 : Number(query.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) throw new ValidationError('limit must be 1 to 100');
  if (!query.cursor) return { limit };
  const [createdAt, id] = Buffer.from(query.cursor, 'base64url').toString('utf8').split('|');
  if (!createdAt || Number.isNaN(Date.parse(createdAt)) || !id || !UUID.test(id)) {
    throw new ValidationError('cursor is not one of ours');
  }
  return { limit, after: { createdAt, id } };
}

export function readBody(event: HttpEvent): Record<string, unknown> {
  const text = event.isBase64Encoded ? Buffer.from(event.body ?? '', 'base64').toString('utf8') : (event.body ?? '');
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Falls through to the one message for every unusable body.
  }
  throw new ValidationError('the body must be a JSON object');
}

/** The HTTP handler that every service shares: health, list, create, delete. */
export function serviceHandler<T extends TableName>(definition: ServiceDefinition<T>) {
  const { service } = definition;
  const base = `/v1/${service}`;

  const route = async (event: HttpEvent): Promise<HttpResponse> => {
    const version = process.env.RELEASE_VERSION ?? 'unknown';
    const path = localPath(event).replace(/\/+$/, '');
    const call = `${event.requestContext.http.method} ${path}`;
    if (call === `GET ${base}/health`) {
      await (await pool()).query('select 1');
      return json(200, { status: 'ok', service, version, database: 'ok' });
    }
    if (call === `GET ${base}`) {
      const page = readPage(event.queryStringParameters ?? {});
      const items = await listRows(await pool(), definition, page);
      return json(200, { service, version, items });
    }
    if (call === `POST ${base}`) {
      const item = await insertRow(await pool(), definition, definition.toRow(readBody(event)));
      return json(201, { service, version, item });
    }
    const id = path.slice(base.length + 1);
    if (call.startsWith(`DELETE ${base}/`) && UUID.test(id)) {
      return (await deleteRow(await pool(), definition.table, id)) ? { statusCode: 204 } : json(404, { error: 'not found' });
    }
    return json(404, { error: 'not found' });
  };

  return withHttpObservability(service, async (event) => {
    try {
      return await route(event);
    } catch (error) {
      if (error instanceof ValidationError) return json(400, { error: error.message });
      if (CLIENT_ERRORS.has((error as { code?: string }).code ?? '')) return json(400, { error: (error as Error).message });
      throw error;
    }
  });
}
