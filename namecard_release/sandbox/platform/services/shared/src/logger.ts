/** One JSON object per line, in the format that the runbook's queries read. */

const CORRELATION_HEADERS = ['x-correlation-id', 'x-request-id', 'x-amzn-trace-id', 'x-forwarded-for', 'traceparent'] as const;

export interface LogContext {
  service: string;
  requestId: string;
  invocationId: string;
  coldStart: boolean;
  correlationIds: Record<string, string>;
}

export interface Logger {
  info(message: string, data?: Record<string, unknown>): void;
  error(message: string, error: unknown, data?: Record<string, unknown>): void;
}

export function correlationIds(headers: Record<string, string | undefined>, invocationId: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of CORRELATION_HEADERS) {
    const value = headers[name];
    if (value) found[name] = value;
  }
  found['aws-request-id'] = invocationId;
  return found;
}

export function createLogger(context: LogContext, write: (line: string) => void = (line) => void process.stdout.write(line)): Logger {
  const emit = (level: string, message: string, rest: Record<string, unknown>): void => {
    write(`${JSON.stringify({ level, message, timestamp: new Date().toISOString(), ...context, ...rest })}\n`);
  };
  return {
    info: (message, data = {}) => emit('info', message, { data }),
    error: (message, error, data = {}) => {
      const shown = error instanceof Error ? error : new Error(String(error));
      emit('error', message, { data, error: { name: shown.name, message: shown.message, stack: shown.stack } });
    },
  };
}
