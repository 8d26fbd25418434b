import { discover, validateLedger } from '../migrations/engine';
import { migrationFolders, withLocalDatabase } from './local';

void withLocalDatabase(async (client) => {
  const migrations = discover(migrationFolders());
  const drift = await validateLedger(client, migrations);
  const lines = [
    ...drift.missing.map((name) => `${name} is not applied`),
    ...drift.changed.map((name) => `${name} changed after it was applied`),
    ...drift.unknown.map((name) => `${name} is in the ledger but has no file`),
  ];
  for (const line of lines) process.stderr.write(`ERROR: ${line}\n`);
  process.stdout.write(`${migrations.length} migrations, ${lines.length} differences\n`);
  if (lines.length > 0) process.exitCode = 1;
});
