import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definition } from './definition';

const body = { uploadId: '00000000-0000-4000-8000-000000000001', text: 'Ada Lovelace' };

test('a complete body becomes a row', () => {
  assert.deepEqual(definition.toRow(body), body);
});

test('an empty body is refused', () => {
  assert.throws(() => definition.toRow({}), /must be a text/);
});
