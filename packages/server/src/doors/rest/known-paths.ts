/** Which methods a path has: a known path with another method is 405, not 404. */
import type { FastifyInstance } from 'fastify';

/** Call before the routes are registered. A trailing `*` stands for any rest. */
export function knownPaths(app: FastifyInstance): (path: string) => string[] {
  const methods = new Map<string, { pattern: RegExp; methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? { pattern: patternOf(url), methods: new Set() };
    for (const each of [method].flat()) known.methods.add(each);
    methods.set(url, known);
  });
  return (path) => {
    const found = new Set<string>();
    for (const known of methods.values()) {
      if (!known.pattern.test(path)) continue;
      for (const method of known.methods) found.add(method);
    }
    return [...found].sort();
  };
}

function patternOf(url: string): RegExp {
  const source = url
    .replaceAll(/[\\^$.+?()[\]{}|]/g, '\\$&')
    .replaceAll(/:\w+/g, '[^/]+')
    .replaceAll('*', '.*');
  return new RegExp(`^${source}$`);
}
