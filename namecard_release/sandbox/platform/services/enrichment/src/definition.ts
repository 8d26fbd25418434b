import { requiredText } from '@namecard/shared';
import type { ServiceDefinition } from '@namecard/shared';

export const definition: ServiceDefinition<'enrichment.Enrichment'> = {
  service: 'enrichment',
  table: 'enrichment.Enrichment',
  columns: ['id', 'cardId', 'provider', 'status', 'createdAt'],
  toRow: (body) => ({
    cardId: requiredText(body, 'cardId'),
    provider: requiredText(body, 'provider'),
  }),
};
