import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tables } from './generated/tables';
import { correlationIds, createLogger } from './logger';
import { withHttpObservability } from './observability';
import { localPath, readBody, readPage } from './service';
import type { HttpEvent } from './observability';

const event = (rawPath: string, rest: Partial<HttpEvent> = {}): HttpEvent => ({
  rawPath,
  requestContext: { requestId: 'r-1', stage: 'staging', http: { method: 'GET' } },
  ...rest,
});

test('a log line is one JSON object with the context', () => {
  const lines: string[] = [];
  const context = { service: 'auth', requestId: 'r', invocationId: 'i', coldStart: true, correlationIds: {} };
  createLogger(context, (line) => void lines.push(line)).error('lambda.invocation.failed', new TypeError('broken'), { path: '/v1/auth' });
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.equal(line.service, 'auth');
  assert.deepEqual(line.data, { path: '/v1/auth' });
  assert.equal((line.error as { name: string }).name, 'TypeError');
});

test('correlation ids take the known headers and the invocation', () => {
  assert.deepEqual(correlationIds({ 'x-request-id': 'q', cookie: 'secret' }, 'i'), { 'x-request-id': 'q', 'aws-request-id': 'i' });
});

test('observability logs a failure and rethrows it', async () => {
  const messages: string[] = [];
  const handler = withHttpObservability(
    'cards',
    () => Promise.reject(new Error('no database')),
    (line) => void messages.push((JSON.parse(line) as { message: string }).message),
  );
  await assert.rejects(handler(event('/v1/cards'), { awsRequestId: 'i' }), /no database/);
  assert.deepEqual(messages, ['lambda.invocation.started', 'lambda.invocation.failed']);
});

test('the stage is taken off the path', () => {
  assert.equal(localPath(event('/staging/v1/auth/health')), '/v1/auth/health');
  assert.equal(localPath(event('/v1/auth')), '/v1/auth');
});

test('a page is read from the query', () => {
  assert.deepEqual(readPage({}), { limit: 20 });
  const id = '00000000-0000-4000-8000-000000000001';
  const cursor = Buffer.from(`2026-01-01T00:00:00Z|${id}`).toString('base64url');
  assert.deepEqual(readPage({ limit: '5', cursor }), { limit: 5, after: { createdAt: '2026-01-01T00:00:00Z', id } });
  assert.throws(() => readPage({ limit: '0' }), /limit/);
  assert.throws(() => readPage({ cursor: 'x' }), /cursor/);
});

test('a body must be an object', () => {
  assert.deepEqual(readBody(event('/', { body: '{"a":1}' })), { a: 1 });
  assert.throws(() => readBody(event('/', { body: '[1]' })), /JSON object/);
});

test('the generated tables know the columns of every service', () => {
  assert.ok(tables['auth.AuthUser'].includes('email'));
  assert.equal(Object.keys(tables).length, 6);
});
