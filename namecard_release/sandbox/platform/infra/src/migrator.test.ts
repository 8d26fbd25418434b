import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handler, isPaused } from './migrator';

test('every spelling of the pause is known', () => {
  for (const environment of [{ MIGRATIONS_MODE: 'paused' }, { MIGRATION_MODE: 'paused' }, { MIGRATIONS_PAUSED: '1' }, { MIGRATIONS_DISABLED: '1' }]) {
    assert.equal(isPaused(environment, undefined), true);
  }
  assert.equal(isPaused({}, 'true'), true);
  assert.equal(isPaused({ MIGRATIONS_PAUSED: '0' }, 'false'), false);
});

test('a deletion touches no database', async () => {
  const outcome = await handler({ RequestType: 'Delete', ResourceProperties: { version: 'v' } }, { awsRequestId: 'i' });
  assert.deepEqual(outcome, { version: 'v', applied: 0, status: 'deleted' });
});
