// What every esbuild call of this workspace agrees on.
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Lambda has no node_modules: everything is bundled, minified so that no build path enters the digest. */
export const lambdaOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  external: ['pg-native'],
  logLevel: 'warning',
};

export const services = ['auth', 'cards', 'ocr', 'enrichment', 'uploads', 'search'];
