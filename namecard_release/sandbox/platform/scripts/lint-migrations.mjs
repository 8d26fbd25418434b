// Lints the SQL files by regular expression: prints `file:line rule message`, exit 1 for any finding.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './bundling.mjs';

const NAME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2})(\d{2})__([a-z0-9-]+)__([a-z0-9-]+)\.sql$/;

const RULES = [
  ['drop-column', /\bdrop\s+column\b/gi, 'dropping a column breaks the code that still serves traffic'],
  ['drop-table', /\bdrop\s+table\b/gi, 'dropping a table breaks the code that still serves traffic'],
  ['rename', /\brename\s+(to|column|constraint)\b/gi, 'renaming breaks the code that still serves traffic'],
  ['alter-type', /\balter\s+column\s+\S+\s+(set\s+data\s+)?type\b|\balter\s+type\b/gi, 'changing a type rewrites the table under a lock'],
  ['create-index-concurrently', /\bcreate\s+(unique\s+)?index\s+concurrently\b/gi, 'cannot run in the transaction of the migrator'],
];

/** Comments give way to blanks of the same length, so that offsets keep their lines. */
const withoutComments = (sql) => sql.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, (text) => text.replace(/[^\n]/g, ' '));

const realMinute = (year, month, day, hour, minute) => {
  const date = new Date(Date.UTC(+year, +month - 1, +day, +hour, +minute));
  return date.getUTCMonth() === +month - 1 && date.getUTCDate() === +day && +hour < 24 && +minute < 60;
};

const findings = [];
const seen = new Map();
let files = 0;
for (const service of readdirSync(join(root, 'services')).sort()) {
  const folder = join(root, 'services', service, 'migrations');
  if (!existsSync(folder)) continue;
  for (const name of readdirSync(folder).sort()) {
    const shown = `services/${service}/migrations/${name}`;
    files += 1;
    const match = NAME.exec(name);
    if (!match) {
      findings.push(`${shown}:1 file-name expected YYYY-MM-DDThhmm__<service>__<description>.sql`);
      continue;
    }
    if (!realMinute(...match.slice(1, 6))) findings.push(`${shown}:1 file-name the timestamp is not a real UTC minute`);
    if (match[6] !== service) findings.push(`${shown}:1 file-name names service ${match[6]} but lies in ${service}`);
    if (seen.has(name)) findings.push(`${shown}:1 file-name is also used by ${seen.get(name)}`);
    seen.set(name, shown);
    const text = readFileSync(join(folder, name), 'utf8');
    const sql = withoutComments(text);
    for (const [rule, pattern, message] of RULES) {
      if (text.includes(`-- lint-ignore:${rule}`)) continue;
      for (const hit of sql.matchAll(pattern)) {
        findings.push(`${shown}:${sql.slice(0, hit.index).split('\n').length} ${rule} ${message}`);
      }
    }
  }
}
for (const finding of findings) process.stderr.write(`${finding}\n`);
process.stdout.write(`${files} migrations, ${findings.length} findings\n`);
process.exit(findings.length === 0 ? 0 : 1);
