// Filters in the address: plain `key=value` text, readable and safe to paste.

/** Every value stays text: `?q=007` is not the number 7. */
export function parseSearch(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (typeof value === 'string' && value !== '') params.set(key, value);
    if (Array.isArray(value) && value.length > 0) params.set(key, value.join(','));
  }
  // A comma is legal in a query and easier to read than %2C.
  return params.size > 0 ? `?${params.toString().replaceAll('%2C', ',')}` : '';
}

/**
 * A route's reader of its query that lets nothing else through: the router would add what the reader leaves
 * out, as it stands in the address.
 */
export function only<T extends object>(read: (search: Record<string, unknown>) => T) {
  return (search: Record<string, unknown>): T => ({
    ...Object.fromEntries(Object.keys(search).map((key) => [key, undefined])),
    ...read(search),
  });
}

/** Those of `allowed` that the value names, in the order of `allowed`; anything else is ignored. */
export function chosen<T extends string>(value: unknown, allowed: readonly T[]): T[] {
  const names = Array.isArray(value) ? value : typeof value === 'string' ? value.split(',') : [];
  return allowed.filter((name) => names.includes(name));
}

/** The value as text of at most `max` characters; undefined when there is none. */
export function words(value: unknown, max: number): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, max) : undefined;
}

/** A path inside this page, for going on after sign-in; anything that could lead elsewhere is refused. */
export function insidePath(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^\/(?![/\\])/.test(value) || /[\p{Cc}\\]/u.test(value)) {
    return undefined;
  }
  return value.length <= 2_000 ? value : undefined;
}
