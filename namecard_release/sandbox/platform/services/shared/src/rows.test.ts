import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageQuery } from './rows';

const source = { table: 'auth.AuthUser', columns: ['id', 'email'] } as const;

test('the first page has no condition', () => {
  const query = pageQuery(source, { limit: 10 });
  assert.equal(query.text, 'select "id", "email" from auth."AuthUser" order by "createdAt" desc, "id" desc limit $1');
  assert.deepEqual(query.values, [10]);
});

test('a later page starts after the cursor', () => {
  const query = pageQuery(source, { limit: 10, after: { createdAt: '2026-01-01T00:00:00Z', id: 'x' } });
  assert.match(query.text, /where \("createdAt", "id"\) < \(\$2::timestamptz, \$3::uuid\)/);
  assert.deepEqual(query.values, [10, '2026-01-01T00:00:00Z', 'x']);
});
