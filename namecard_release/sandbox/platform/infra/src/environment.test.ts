import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEnvironment, SERVICES } from './environment';

test('the word is the suffix, the key names physical things', () => {
  assert.deepEqual(readEnvironment('production'), { suffix: 'production', key: 'prod', isProd: true });
  assert.deepEqual(readEnvironment('dev'), { suffix: 'dev', key: 'dev', isProd: false });
});

test('a missing or unknown environment is refused', () => {
  assert.throws(() => readEnvironment(undefined), /is missing/);
  assert.throws(() => readEnvironment('toString'), /is unknown: toString/);
});

test('every service is there once', () => {
  assert.equal(new Set(SERVICES.map(({ service }) => service)).size, 6);
});
