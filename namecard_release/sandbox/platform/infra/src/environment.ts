/** What differs between the environments; the word given is the stack suffix, the key names physical things. */

export type Key = 'dev' | 'staging' | 'prod';

const KEYS: Record<string, Key> = { dev: 'dev', development: 'dev', staging: 'staging', prod: 'prod', production: 'prod' };

export interface Environment {
  suffix: string;
  key: Key;
  isProd: boolean;
}

export class ContextError extends Error {}

export function readEnvironment(given: unknown): Environment {
  const key = typeof given === 'string' && Object.hasOwn(KEYS, given) ? KEYS[given] : undefined;
  if (key === undefined) {
    const shown = given === undefined ? 'is missing' : `is unknown: ${String(given)}`;
    throw new ContextError(`--context environment= ${shown}; expected one of ${Object.keys(KEYS).join(', ')}`);
  }
  return { suffix: String(given), key, isProd: key === 'prod' };
}

export interface ServiceSettings {
  service: string;
  id: string;
  timeoutSeconds: number;
  reservedInProd: number;
  /** Set for the services that prod serves through the alias `prod-live`. */
  provisionedInProd?: number;
}

export const SERVICES: readonly ServiceSettings[] = [
  { service: 'auth', id: 'AuthService', timeoutSeconds: 10, reservedInProd: 25, provisionedInProd: 4 },
  { service: 'cards', id: 'CardsService', timeoutSeconds: 15, reservedInProd: 35, provisionedInProd: 6 },
  { service: 'ocr', id: 'OcrService', timeoutSeconds: 30, reservedInProd: 12 },
  { service: 'enrichment', id: 'EnrichmentService', timeoutSeconds: 25, reservedInProd: 10 },
  { service: 'uploads', id: 'UploadsService', timeoutSeconds: 10, reservedInProd: 10 },
  { service: 'search', id: 'SearchService', timeoutSeconds: 12, reservedInProd: 18 },
];
