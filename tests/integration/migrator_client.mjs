// The platform's migrator over a database client that asks whoever started this for each query: JSON lines both ways.
import { createInterface } from 'node:readline';

const [engine, folders, version] = process.argv.slice(2);
const { applyMigrations, discover } = await import(engine);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tell = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const client = {
  async query(text, values) {
    tell({ text, values });
    const answer = JSON.parse((await answers.next()).value);
    if (answer.error) throw new Error(answer.error);
    return answer;
  },
};
try {
  tell({ result: await applyMigrations(client, discover(folders.split(',')), version, `${version}-1`, () => {}) });
} catch (error) {
  tell({ error: error.message });
}
process.exit(0);
