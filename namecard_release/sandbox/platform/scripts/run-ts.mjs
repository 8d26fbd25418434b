// Runs a TypeScript entry: `node run-ts.mjs <entry> [arguments]`; it is bundled under dist/cli first.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { lambdaOptions, root } from './bundling.mjs';

const [entry, ...rest] = process.argv.slice(2);
const folder = join(root, 'dist/cli');
mkdirSync(folder, { recursive: true });
// The process id keeps two concurrent runs from overwriting each other's bundle.
const outfile = join(folder, `${basename(entry, '.ts')}-${process.pid}.cjs`);
await build({ ...lambdaOptions, minify: false, entryPoints: [resolve(entry)], outfile });
const run = spawnSync(process.execPath, [outfile, ...rest.filter((word) => word !== '--')], {
  stdio: 'inherit',
  env: { ...process.env, NAMECARD_ROOT: root },
});
process.exit(run.status ?? 1);
