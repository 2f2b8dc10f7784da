// Reads a text field of a submitted form.

/** The field as it was typed; empty when there is none. */
export function field(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}
