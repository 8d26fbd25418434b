import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checksum, compare, discover } from './engine';

test('files are found in the order of their names and others are left out', () => {
  const folder = mkdtempSync(join(tmpdir(), 'namecard-migrations-'));
  for (const name of ['2026-02-01T0000__b__x.sql', '2026-01-01T0000__a__x.sql', 'notes.txt']) writeFileSync(join(folder, name), 'select 1;');
  assert.deepEqual(discover([folder]).map(({ name }) => name), ['2026-01-01T0000__a__x.sql', '2026-02-01T0000__b__x.sql']);
  rmSync(folder, { recursive: true });
});

test('drift names what is missing, changed and unknown', () => {
  const migration = (name: string, sql: string) => ({ name, sql, checksum: checksum(sql) });
  const ledger = new Map([['b', checksum('other')], ['c', checksum('gone')]]);
  assert.deepEqual(compare(ledger, [migration('a', '1'), migration('b', '2')]), { missing: ['a'], changed: ['b'], unknown: ['c'] });
});
