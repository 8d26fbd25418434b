import { optionalText, requiredText } from '@namecard/shared';
import type { ServiceDefinition } from '@namecard/shared';

export const definition: ServiceDefinition<'ocr.OcrJob'> = {
  service: 'ocr',
  table: 'ocr.OcrJob',
  columns: ['id', 'uploadId', 'status', 'text', 'createdAt'],
  toRow: (body) => ({
    uploadId: requiredText(body, 'uploadId'),
    text: optionalText(body, 'text'),
  }),
};
