import { requiredText } from '@namecard/shared';
import type { ServiceDefinition } from '@namecard/shared';

export const definition: ServiceDefinition<'auth.AuthUser'> = {
  service: 'auth',
  table: 'auth.AuthUser',
  columns: ['id', 'email', 'displayName', 'createdAt'],
  toRow: (body) => ({
    email: requiredText(body, 'email'),
    displayName: requiredText(body, 'displayName'),
  }),
};
