/** Keys that no body may have, since careless code would take them for the prototype: where the first one stands. */

/** Dotted path; undefined when there is none. The value is JSON, and no deeper than a body may be. */
export function forbiddenKey(value: unknown, path = ''): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries<unknown>({ ...value })) {
    const at = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    if (key === '__proto__') return at;
    const isPrototype =
      key === 'constructor' &&
      typeof inner === 'object' &&
      inner !== null &&
      Object.hasOwn(inner, 'prototype');
    const found = isPrototype ? `${at}.prototype` : forbiddenKey(inner, at);
    if (found !== undefined) return found;
  }
  return undefined;
}
