import { applyMigrations, discover } from '../migrations/engine';
import { migrationFolders, withLocalDatabase } from './local';

void withLocalDatabase(async (client) => {
  const result = await applyMigrations(client, discover(migrationFolders()), 'local', `local-${Date.now()}`, (_, data) => {
    process.stdout.write(`applied ${String(data.name)}\n`);
  });
  process.stdout.write(`${result.discovered} migrations, ${result.applied.length} applied now\n`);
});
