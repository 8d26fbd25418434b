// Launch readiness: `verify` asserts the launch documents, `plan` and `record` print JSON.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, services } from './bundling.mjs';

const HEADINGS = ['## Pre-Deployment Verification', '## Deployment Execution', '## Post-Launch Verification', '## Rollback & Recovery Signals'];
const CHECKLIST = ['pnpm run ci:quality', 'pnpm run migrate:validate', 'synthetic monitor', 'CloudWatch dashboard', 'cost anomaly', 'rollback trigger'];
const RUNBOOK = ['Lambda errors', 'DLQ', 'CloudWatch dashboard', 'rollback'];

const errors = [];
const read = (path) => {
  if (existsSync(join(root, path))) return readFileSync(join(root, path), 'utf8');
  errors.push(`${path} is missing`);
  return '';
};
const phrases = (path, text, wanted) => {
  for (const phrase of wanted) {
    if (!text.toLowerCase().includes(phrase.toLowerCase())) errors.push(`${path} does not mention "${phrase}"`);
  }
};

function budgets() {
  const path = 'launch/budgets.json';
  let rows;
  try {
    rows = JSON.parse(read(path));
  } catch (error) {
    errors.push(`${path} is not JSON: ${error.message}`);
    return [];
  }
  if (!Array.isArray(rows)) {
    errors.push(`${path} is not an array`);
    return [];
  }
  rows.forEach((row, index) => {
    for (const key of ['service', 'environment', 'owner']) {
      if (typeof row[key] !== 'string' || row[key] === '') errors.push(`${path}[${index}].${key} must be a text`);
    }
    for (const key of ['monthlyBudgetUsd', 'p95LatencyTargetMs']) {
      if (!(typeof row[key] === 'number' && row[key] > 0)) errors.push(`${path}[${index}].${key} must be above 0`);
    }
  });
  for (const service of services) {
    if (!rows.some((row) => row.service === service)) errors.push(`${path} has no entry for ${service}`);
  }
  return rows;
}

function verify() {
  const rows = budgets();
  const checklist = read('launch/POST_LAUNCH_CHECKLIST.md');
  for (const heading of HEADINGS) {
    if (!checklist.split('\n').some((line) => line.trim() === heading)) {
      errors.push(`launch/POST_LAUNCH_CHECKLIST.md has no heading "${heading}"`);
    }
  }
  phrases('launch/POST_LAUNCH_CHECKLIST.md', checklist, CHECKLIST);
  phrases('RUNBOOK.md', read('RUNBOOK.md'), RUNBOOK);
  for (const error of errors) process.stderr.write(`ERROR: ${error}\n`);
  if (errors.length > 0) process.exit(1);
  process.stdout.write(`launch readiness verified: ${rows.length} budgets\n`);
}

function options(words) {
  const found = {};
  for (const word of words.filter((one) => one !== '--')) {
    const match = /^--([a-z-]+)=(.*)$/.exec(word);
    if (!match) {
      process.stderr.write(`ERROR: unexpected argument ${word}\n`);
      process.exit(1);
    }
    found[match[1]] = match[2];
  }
  return found;
}

function record(words) {
  const given = options(words);
  for (const key of ['environment', 'commit']) {
    if (!given[key]) {
      process.stderr.write(`ERROR: --${key}= is required\n`);
      process.exit(1);
    }
  }
  print({ environment: given.environment, commit: given.commit, runMigrations: given['run-migrations'] === 'true', recordedAt: new Date().toISOString() });
}

function plan() {
  const rows = budgets();
  print({ services, environments: [...new Set(rows.map((row) => row.environment))], steps: ['NameCardDb', 'RunMigrations', 'NameCardApi'] });
}

const print = (value) => process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);

const [command, ...rest] = process.argv.slice(2);
if (command === 'verify') verify();
else if (command === 'record') record(rest);
else if (command === 'plan') plan();
else process.exit(1);
