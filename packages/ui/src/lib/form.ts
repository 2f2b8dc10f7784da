// Reads a text field of a submitted form, and finds what the server said about it.
import { ApiError } from '../api/http.ts';

/** The field as it was typed; empty when there is none. */
export function field(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}

/** What the server refused about this field of the body, if it was this field. */
export function refusalOf(error: unknown, name: string, code?: string): string | undefined {
  if (!(error instanceof ApiError)) return undefined;
  const named = error.fields.find(({ path }) => path.replaceAll(/^[/.]+/g, '') === name);
  return named?.message ?? (error.code === code ? error.message : undefined);
}
