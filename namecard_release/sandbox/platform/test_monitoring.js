// The synthetic monitor: the sources must carry the markers that operations relies on.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const MARKERS = {
  'services/shared/src/observability.ts': ['withHttpObservability', 'lambda.invocation.started', 'lambda.invocation.completed', 'lambda.invocation.failed'],
  'services/shared/src/logger.ts': ['correlationIds', 'x-correlation-id', 'traceparent', 'coldStart', 'invocationId'],
  'infra/src/alarms.ts': ['ErrorsAlarm', 'ThrottlesAlarm', 'LatencyAlarm', 'DbConnectionsAlarm', 'RdsProxyConnectionsAlarm', 'LambdaDeadLetterQueueAlarm'],
  'infra/src/dashboard.ts': ['-observability'],
};
for (const service of ['auth', 'cards', 'ocr', 'enrichment', 'uploads', 'search']) {
  MARKERS[`services/${service}/src/handler.ts`] = ['serviceHandler'];
}

let missing = 0;
for (const [path, markers] of Object.entries(MARKERS)) {
  let text = '';
  try {
    text = readFileSync(join(__dirname, path), 'utf8');
  } catch {
    // A missing file misses every marker, which the loop below says.
  }
  for (const marker of markers) {
    if (!text.includes(marker)) {
      process.stderr.write(`MISSING ${path}: ${marker}\n`);
      missing += 1;
    }
  }
}
process.stdout.write(missing === 0 ? 'synthetic monitor: all markers present\n' : `synthetic monitor: ${missing} markers missing\n`);
process.exit(missing === 0 ? 0 : 1);
