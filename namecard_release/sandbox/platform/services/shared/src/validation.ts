import { ValidationError } from './rows';

type Body = Record<string, unknown>;

export function requiredText(body: Body, name: string): string {
  const value = body[name];
  if (typeof value !== 'string' || value.trim() === '') throw new ValidationError(`${name} must be a text`);
  return value.trim();
}

export function optionalText(body: Body, name: string): string | null {
  return body[name] === undefined || body[name] === null ? null : requiredText(body, name);
}

export function requiredInteger(body: Body, name: string): number {
  const value = body[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw new ValidationError(`${name} must be a whole number from 0`);
  }
  return value;
}
