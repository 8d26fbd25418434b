// Bundles src/**/*.test.ts of the package this is called in and hands it to node's test runner.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { lambdaOptions } from './bundling.mjs';

const folder = process.cwd();
const tests = readdirSync(join(folder, 'src'), { recursive: true })
  .filter((name) => String(name).endsWith('.test.ts'))
  .map((name) => join(folder, 'src', String(name)));
if (tests.length === 0) {
  process.stderr.write('ERROR: this package has no tests\n');
  process.exit(1);
}
const outdir = join(folder, 'dist/test');
rmSync(outdir, { recursive: true, force: true });
await build({
  ...lambdaOptions,
  minify: false,
  sourcemap: 'inline',
  entryPoints: tests,
  outbase: join(folder, 'src'),
  outdir,
  outExtension: { '.js': '.cjs' },
  // CDK is loaded from node_modules: bundling it would take longer than the tests.
  external: [...lambdaOptions.external, 'aws-cdk-lib', 'constructs'],
});
const built = readdirSync(outdir, { recursive: true })
  .filter((name) => String(name).endsWith('.cjs'))
  .map((name) => join(outdir, String(name)));
const run = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...built], { stdio: 'inherit' });
process.exit(run.status ?? 1);
