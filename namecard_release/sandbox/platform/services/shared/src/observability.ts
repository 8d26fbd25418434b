import { correlationIds, createLogger } from './logger';
import type { Logger } from './logger';

export interface HttpEvent {
  rawPath: string;
  headers?: Record<string, string | undefined>;
  queryStringParameters?: Record<string, string | undefined>;
  body?: string;
  isBase64Encoded?: boolean;
  requestContext: { requestId?: string; stage?: string; http: { method: string } };
}

export interface HttpResponse {
  statusCode: number;
  headers?: Record<string, string>;
  body?: string;
}

export interface LambdaContext {
  awsRequestId: string;
}

export type HttpHandler = (event: HttpEvent, logger: Logger) => Promise<HttpResponse>;

/**
 * Logs start, end and failure of every invocation. An unexpected error is rethrown after it is logged:
 * only then does Lambda count it, and only what Lambda counts can raise an alarm.
 */
export function withHttpObservability(service: string, handler: HttpHandler, write?: (line: string) => void) {
  let coldStart = true;
  return async (event: HttpEvent, context: LambdaContext): Promise<HttpResponse> => {
    const started = performance.now();
    const invocationId = context.awsRequestId;
    const logger = createLogger(
      {
        service,
        requestId: event.requestContext.requestId ?? invocationId,
        invocationId,
        coldStart,
        correlationIds: correlationIds(event.headers ?? {}, invocationId),
      },
      write,
    );
    coldStart = false;
    const data = () => ({ path: event.rawPath, durationMs: Math.round((performance.now() - started) * 10) / 10 });
    logger.info('lambda.invocation.started', { path: event.rawPath });
    try {
      const response = await handler(event, logger);
      logger.info('lambda.invocation.completed', { ...data(), statusCode: response.statusCode });
      return response;
    } catch (error) {
      logger.error('lambda.invocation.failed', error, data());
      throw error;
    }
  };
}
