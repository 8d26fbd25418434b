import { serviceHandler } from '@namecard/shared';
import { definition } from './definition';

export const handler = serviceHandler(definition);
