import { optionalText, requiredText } from '@namecard/shared';
import type { ServiceDefinition } from '@namecard/shared';

export const definition: ServiceDefinition<'cards.Card'> = {
  service: 'cards',
  table: 'cards.Card',
  columns: ['id', 'ownerId', 'fullName', 'company', 'jobTitle', 'createdAt'],
  toRow: (body) => ({
    ownerId: requiredText(body, 'ownerId'),
    fullName: requiredText(body, 'fullName'),
    company: optionalText(body, 'company'),
    jobTitle: optionalText(body, 'jobTitle'),
  }),
};
