// Bundles the CDK app and every Lambda into infra/dist, so that synthesis compiles nothing.
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { lambdaOptions, root, services } from './bundling.mjs';

const dist = join(root, 'infra/dist');
rmSync(dist, { recursive: true, force: true });

const lambda = (entry, outfile) =>
  build({ ...lambdaOptions, entryPoints: [join(root, entry)], outfile: join(dist, outfile) });

await Promise.all([
  // aws-cdk-lib stays outside: it is huge, and node resolves it from infra/node_modules.
  build({ ...lambdaOptions, minify: false, packages: 'external', entryPoints: [join(root, 'infra/src/app.ts')], outfile: join(dist, 'app.cjs') }),
  lambda('infra/src/migrator.ts', 'migrator/index.js'),
  ...services.map((service) => lambda(`services/${service}/src/handler.ts`, `lambda/${service}/index.js`)),
]);

const target = join(dist, 'migrator/migrations');
mkdirSync(target, { recursive: true });
let copied = 0;
for (const service of services) {
  const source = join(root, 'services', service, 'migrations');
  for (const name of readdirSync(source).filter((file) => file.endsWith('.sql')).sort()) {
    cpSync(join(source, name), join(target, name));
    copied += 1;
  }
}
process.stdout.write(`bundled ${services.length} services and the migrator with ${copied} migrations\n`);
