import { serviceHandler } from '@namecard/shared';
import { definition } from './definition';

var started = Date.now();
const label = `search since ${started}`;

export const handler = serviceHandler(definition);
