/**
 * Register, upload, enrich, list, search, teardown: against `--base-url` (with its stage), or, without one,
 * against the real handlers of this checkout behind a local HTTP server and the database of DB_*.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closePool, serviceHandler } from '@namecard/shared';
import type { HttpEvent, HttpResponse, LambdaContext } from '@namecard/shared';
import { definition as auth } from '../../../services/auth/src/definition';
import { definition as cards } from '../../../services/cards/src/definition';
import { definition as enrichment } from '../../../services/enrichment/src/definition';
import { definition as ocr } from '../../../services/ocr/src/definition';
import { definition as search } from '../../../services/search/src/definition';
import { definition as uploads } from '../../../services/uploads/src/definition';

type Handler = (event: HttpEvent, context: LambdaContext) => Promise<HttpResponse>;

const handlers: Record<string, Handler> = {
  auth: serviceHandler(auth),
  cards: serviceHandler(cards),
  enrichment: serviceHandler(enrichment),
  ocr: serviceHandler(ocr),
  search: serviceHandler(search),
  uploads: serviceHandler(uploads),
};

interface Answer {
  item?: { id: string };
  items?: { id: string }[];
}

async function serveLocally(): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const event: HttpEvent = {
        rawPath: url.pathname,
        queryStringParameters: Object.fromEntries(url.searchParams),
        body,
        requestContext: { http: { method: request.method ?? 'GET' } },
      };
      const handler = handlers[url.pathname.split('/')[2] ?? ''];
      const answer = handler ? handler(event, { awsRequestId: 'local' }) : Promise.resolve({ statusCode: 404 });
      answer.then(
        (value: HttpResponse) => response.writeHead(value.statusCode, value.headers).end(value.body),
        (error: Error) => response.writeHead(500).end(JSON.stringify({ message: error.message })),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await closePool();
    },
  };
}

async function call(base: string, method: string, path: string, expected: number, body?: unknown): Promise<Answer> {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  if (response.status !== expected) throw new Error(`${method} ${path} answered ${response.status}, not ${expected}: ${text}`);
  process.stdout.write(`ok ${method} ${path} ${response.status}\n`);
  return text ? (JSON.parse(text) as Answer) : {};
}

async function scenarios(base: string): Promise<void> {
  const user = await call(base, 'POST', '/v1/auth', 201, { email: `e2e-${Date.now()}@namecard.example`, displayName: 'E2E' });
  const ownerId = user.item?.id ?? '';
  try {
    const upload = await call(base, 'POST', '/v1/uploads', 201, { ownerId, fileName: 'e2e.jpg', contentType: 'image/jpeg', sizeBytes: 1 });
    await call(base, 'POST', '/v1/ocr', 201, { uploadId: upload.item?.id });
    const card = await call(base, 'POST', '/v1/cards', 201, { ownerId, fullName: 'E2E Card' });
    await call(base, 'POST', '/v1/enrichment', 201, { cardId: card.item?.id, provider: 'directory' });
    const listed = await call(base, 'GET', '/v1/cards?limit=5', 200);
    if (!listed.items?.some((one) => one.id === card.item?.id)) throw new Error('the new card is not in the list');
    await call(base, 'POST', '/v1/search', 201, { cardId: card.item?.id, body: 'e2e card' });
    await call(base, 'GET', '/v1/search?limit=5', 200);
    await call(base, 'POST', '/v1/auth', 400, {});
  } finally {
    // What hangs on the user goes with it.
    await call(base, 'DELETE', `/v1/auth/${ownerId}`, 204);
  }
}

async function main(words: string[]): Promise<void> {
  const at = words.indexOf('--base-url');
  const given = at >= 0 ? words[at + 1] : words.find((word) => word.startsWith('--base-url='))?.slice('--base-url='.length);
  const local = given ? undefined : await serveLocally();
  try {
    await scenarios(given?.replace(/\/+$/, '') ?? local?.url ?? '');
  } finally {
    await local?.close();
  }
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`ERROR: ${error.message}\n`);
  process.exit(1);
});
