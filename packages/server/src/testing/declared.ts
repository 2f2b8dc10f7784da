/** Holds every answer that any test gets to the schema of its operation: nothing more is told than is declared. */
import { allOperations, type Services } from '../operations.ts';
import { undeclared } from './undeclared.ts';

/** Operations use their services only when they run. */
const none: object = new Proxy({}, { get: () => none });

/** Static paths before those with parameters, as the router takes them. */
const routes = allOperations(none as Services)
  .map(({ id, output, rest }) => ({
    id,
    output,
    method: rest.method,
    parameters: rest.path.split('{').length,
    pattern: new RegExp(`^/api/v1${rest.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }))
  .sort((a, b) => a.parameters - b.parameters);

/** @throws {Error} when an answer of 2xx has a field that its operation does not declare */
export function holdToSchema(method: string, path: string, body: unknown): void {
  const bare = path.split('?', 1)[0] ?? '';
  const route = routes.find((each) => each.method === method && each.pattern.test(bare));
  if (route?.output === undefined) return;
  const more = undeclared(route.output, body);
  if (more.length > 0) throw new Error(`${route.id} answers undeclared fields: ${more.join(', ')}`);
}
