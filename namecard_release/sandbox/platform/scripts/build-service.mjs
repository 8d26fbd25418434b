// Bundles the handler of the service whose folder this is called in.
import { join } from 'node:path';
import { build } from 'esbuild';
import { lambdaOptions } from './bundling.mjs';

const folder = process.cwd();
await build({ ...lambdaOptions, entryPoints: [join(folder, 'src/handler.ts')], outfile: join(folder, 'dist/index.js') });
