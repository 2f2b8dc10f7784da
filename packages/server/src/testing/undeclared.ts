/** Finds what an answer says beyond its schema, and requests that may say more than theirs; for tests. */
import { check, isPlainObject } from '@opmas/protocol';
import type { TSchema } from 'typebox';

/** A schema as the plain JSON Schema it is. */
interface Node {
  type?: string;
  properties?: Record<string, Node>;
  patternProperties?: Record<string, Node>;
  additionalProperties?: boolean | Node;
  items?: Node | Node[];
  anyOf?: Node[];
  oneOf?: Node[];
  allOf?: Node[];
}

/** Paths of fields in `value` that `schema` does not name. */
export function undeclared(schema: TSchema, value: unknown, path = ''): string[] {
  const node = schema as Node;
  const branches = node.anyOf ?? node.oneOf;
  if (branches !== undefined) {
    const fitting = branches.filter((branch) => check(branch as TSchema, value));
    const found = fitting.map((branch) => undeclared(branch as TSchema, value, path));
    return found.sort((a, b) => a.length - b.length)[0] ?? [];
  }
  if (Array.isArray(value)) {
    const { items } = node;
    if (items === undefined) return [];
    return value.flatMap((item, at) => {
      const each = Array.isArray(items) ? items[at] : items;
      return each === undefined ? [] : undeclared(each as TSchema, item, `${path}[]`);
    });
  }
  if (!isPlainObject(value)) return [];
  const all = [node, ...(node.allOf ?? [])];
  if (all.every((each) => each.type !== 'object' && each.properties === undefined)) return [];
  return Object.entries(value).flatMap(([key, field]) => {
    const found = all.map((each) => fieldOf(each, key)).find((each) => each !== undefined);
    const at = path === '' ? key : `${path}.${key}`;
    if (found === undefined) return [at];
    return found === 'any' ? [] : undeclared(found as TSchema, field, at);
  });
}

function fieldOf(node: Node, key: string): Node | 'any' | undefined {
  const { properties, patternProperties, additionalProperties } = node;
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key];
  for (const [pattern, each] of Object.entries(patternProperties ?? {})) {
    if (new RegExp(pattern).test(key)) return each;
  }
  if (additionalProperties === true) return 'any';
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

/** Paths of objects in `schema` that take fields nobody named. */
export function openObjects(schema: TSchema, path = ''): string[] {
  const node = schema as Node;
  const here =
    node.type === 'object' &&
    node.properties !== undefined &&
    node.additionalProperties !== false &&
    typeof node.additionalProperties !== 'object'
      ? [path || '(body)']
      : [];
  const nested: [Node, string][] = [
    ...Object.entries(node.properties ?? {}).map(
      ([key, each]) => [each, `${path}.${key}`] as [Node, string],
    ),
    ...Object.values(node.patternProperties ?? {}).map(
      (each) => [each, `${path}.*`] as [Node, string],
    ),
    ...[...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])].map(
      (each) => [each, path] as [Node, string],
    ),
    ...[node.items ?? []].flat().map((each) => [each, `${path}[]`] as [Node, string]),
  ];
  if (typeof node.additionalProperties === 'object')
    nested.push([node.additionalProperties, `${path}.*`]);
  return [...here, ...nested.flatMap(([each, at]) => openObjects(each as TSchema, at))];
}
