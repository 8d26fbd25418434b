import { requiredText } from '@namecard/shared';
import type { ServiceDefinition } from '@namecard/shared';

export const definition: ServiceDefinition<'search.SearchDocument'> = {
  service: 'search',
  table: 'search.SearchDocument',
  columns: ['id', 'cardId', 'body', 'createdAt'],
  toRow: (body) => ({
    cardId: requiredText(body, 'cardId'),
    body: requiredText(body, 'body'),
  }),
};
