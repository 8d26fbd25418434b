import { requiredInteger, requiredText } from '@namecard/shared';
import type { ServiceDefinition } from '@namecard/shared';

export const definition: ServiceDefinition<'uploads.Upload'> = {
  service: 'uploads',
  table: 'uploads.Upload',
  columns: ['id', 'ownerId', 'fileName', 'contentType', 'sizeBytes', 'createdAt'],
  toRow: (body) => ({
    ownerId: requiredText(body, 'ownerId'),
    fileName: requiredText(body, 'fileName'),
    contentType: requiredText(body, 'contentType'),
    sizeBytes: requiredInteger(body, 'sizeBytes'),
  }),
};
