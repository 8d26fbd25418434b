import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definition } from './definition';

const body = { email: 'ada@namecard.example', displayName: 'Ada' };

test('a complete body becomes a row', () => {
  assert.deepEqual(definition.toRow(body), body);
});

test('an empty body is refused', () => {
  assert.throws(() => definition.toRow({}), /must be a text/);
});
