import { App, DefaultStackSynthesizer } from 'aws-cdk-lib/core';
import { ApiStack } from './api-stack';
import { DbStack } from './db-stack';
import { ContextError, readEnvironment } from './environment';

function main(): void {
  // Metadata of the construct tree and of the library is for AWS's statistics; without it templates are stable.
  const app = new App({ analyticsReporting: false, treeMetadata: false });
  const environment = readEnvironment(app.node.tryGetContext('environment'));
  const synthesizer = () => new DefaultStackSynthesizer({ qualifier: 'namecard' });
  const db = new DbStack(app, `NameCardDb-${environment.suffix}`, { synthesizer: synthesizer(), environment });
  const api = new ApiStack(app, `NameCardApi-${environment.suffix}`, { synthesizer: synthesizer(), environment, db });
  api.addDependency(db);
  app.synth();
}

try {
  main();
} catch (error) {
  if (!(error instanceof ContextError)) throw error;
  process.stderr.write(`ERROR: ${error.message}\n`);
  process.exit(1);
}
