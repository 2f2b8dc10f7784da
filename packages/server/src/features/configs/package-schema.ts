/**
 * The JSON Schema of a package's own configuration keys (`config.schema.json`). A package is not trusted:
 * what its schema may say is listed here, patterns must match in linear time, and every size has a bound.
 */
import {
  AgentConfig,
  type ConfigLayer,
  type Fault,
  faultsOf,
  isPlainObject,
} from '@opmas/protocol';
import { compileRules } from '@opmas/rules';

export const packageSchemaLimits = { bytes: 64 * 1024, depth: 8, schemas: 1_000 } as const;

/** A JSON Schema as it was admitted, closed: an object takes no key that it does not name. */
export type SchemaDocument = Record<string, unknown>;

export interface PackageSchema {
  document: SchemaDocument;
  /** What is wrong with the own keys of a whole configuration. */
  faultsOf(config: ConfigLayer): Fault[];
}

/** Keys of the canonical form, which every agent has and OPMAS checks. */
const STANDARD = AgentConfig.properties;
const SECTIONS = ['nats', 'processing', 'monitoring'] as const;
/** Not for a package to say anything about. */
const RESERVED = new Set(
  Object.keys(STANDARD).filter((key) => !(SECTIONS as readonly string[]).includes(key)),
);

const TYPES = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']);
const KEY = /^[A-Za-z0-9_.-]{1,64}$/;
const COUNTS = ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'];
const NUMBERS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'];
const NOTES = ['$schema', '$id', '$comment', 'title', 'description', 'default', 'examples'];

/** Reads the file of a package. Never throws. */
export function readPackageSchema(
  bytes: Uint8Array,
): { ok: true; document: SchemaDocument } | { ok: false; errors: Fault[] } {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const message = error instanceof Error ? error.message.slice(0, 200) : 'unreadable';
    return { ok: false, errors: [{ path: '', message: `is not JSON: ${message}` }] };
  }
  return admitSchema(value);
}

export function admitSchema(
  value: unknown,
): { ok: true; document: SchemaDocument } | { ok: false; errors: Fault[] } {
  const errors: Fault[] = [];
  let count = 0;
  const fault = (path: string, message: string) => {
    if (errors.length < 20) errors.push({ path, message });
  };

  function schema(given: unknown, path: string, depth: number, inChoice = false): SchemaDocument {
    count += 1;
    if (count === packageSchemaLimits.schemas + 1) {
      fault(path, `more than ${packageSchemaLimits.schemas} schemas in it`);
    }
    if (depth > packageSchemaLimits.depth) {
      fault(path, `deeper than ${packageSchemaLimits.depth} levels`);
      return {};
    }
    if (!isPlainObject(given)) {
      fault(path, 'must be an object');
      return {};
    }
    const result: SchemaDocument = {};
    for (const [keyword, what] of Object.entries(given)) {
      if (count > packageSchemaLimits.schemas) break;
      const at = path === '' ? keyword : `${path}.${keyword}`;
      result[keyword] = member(keyword, what, at, depth, inChoice);
    }
    if (result['properties'] !== undefined) result['additionalProperties'] ??= false;
    return result;
  }

  function member(
    keyword: string,
    given: unknown,
    path: string,
    depth: number,
    inChoice: boolean,
  ): unknown {
    switch (keyword) {
      case 'type': {
        const types: unknown[] = Array.isArray(given) ? given : [given];
        const known = types.every((type) => typeof type === 'string' && TYPES.has(type));
        if (!known || types.length === 0) fault(path, `must be of ${[...TYPES].join(', ')}`);
        return given;
      }
      case 'properties': {
        if (!isPlainObject(given)) {
          fault(path, 'must be an object');
          return {};
        }
        const entries = Object.entries(given).map(([key, inner]) => {
          if (!KEY.test(key) || key === '__proto__') fault(path, `no key: ${JSON.stringify(key)}`);
          return [key, schema(inner, `${path}.${key}`, depth + 1, inChoice)] as const;
        });
        return Object.fromEntries(entries);
      }
      case 'required':
        if (!isTexts(given)) fault(path, 'must be a list of keys');
        return given;
      case 'additionalProperties':
        return typeof given === 'boolean' ? given : schema(given, path, depth + 1, inChoice);
      case 'items':
        return schema(given, path, depth + 1, inChoice);
      case 'anyOf':
      case 'oneOf':
        if (!Array.isArray(given) || given.length === 0 || given.length > 16) {
          fault(path, 'must be a list of 1 to 16 schemas');
          return [{}];
        }
        return given.map((inner, index) => schema(inner, `${path}.${index}`, depth + 1, true));
      case 'enum':
        if (!Array.isArray(given) || given.length === 0 || !given.every(isScalar)) {
          fault(path, 'must be a list of texts, numbers, booleans or null');
        }
        return given;
      case 'const':
        if (!isScalar(given)) fault(path, 'must be a text, a number, a boolean or null');
        return given;
      case 'uniqueItems':
        if (typeof given !== 'boolean') fault(path, 'must be true or false');
        return given;
      case 'pattern':
        if (inChoice) fault(path, 'cannot stand inside anyOf or oneOf');
        else if (typeof given !== 'string' || !isLinear(given)) {
          fault(path, 'must be a regular expression that matches in linear time');
        }
        return given;
      default:
        if (COUNTS.includes(keyword)) {
          if (!Number.isSafeInteger(given) || (given as number) < 0) fault(path, 'must be a count');
        } else if (NUMBERS.includes(keyword)) {
          if (typeof given !== 'number' || (keyword === 'multipleOf' && given <= 0)) {
            fault(path, 'must be a number');
          }
        } else if (!NOTES.includes(keyword)) fault(path, 'is no keyword that OPMAS knows');
        return given;
    }
  }

  const document = schema(value, '', 0);
  const { type = 'object', properties = {} } = document;
  if (type !== 'object') fault('type', 'must be object: it describes the keys of a configuration');
  for (const key of isPlainObject(properties) ? Object.keys(properties) : []) {
    if (RESERVED.has(key)) fault(`properties.${key}`, 'OPMAS itself says what this may be');
  }
  if (errors.length > 0) return { ok: false, errors };
  return {
    ok: true,
    document: {
      ...document,
      type: 'object',
      properties,
      additionalProperties: document['additionalProperties'] ?? false,
    },
  };
}

/** @param document as `admitSchema` gave it */
export function packageSchema(document: SchemaDocument): PackageSchema {
  const { $id: _, $schema: __, ...rest } = document;
  const closed = { type: 'object', properties: {}, additionalProperties: false };
  const sections =
    rest['additionalProperties'] === false
      ? Object.fromEntries(SECTIONS.map((section) => [section, closed]))
      : {};
  const properties = isPlainObject(rest['properties']) ? rest['properties'] : {};
  const compiled = withoutPatterns({
    ...rest,
    properties: { ...sections, ...properties },
  }) as SchemaDocument;
  return {
    document,
    faultsOf: (config) => {
      const own = ownKeys(config);
      return [...faultsOf(compiled, own), ...patternFaults(document, own, '').slice(0, 20)];
    },
  };
}

/** What is not of the canonical form: keys of the agent's own, also those inside the sections. */
function ownKeys(config: ConfigLayer): ConfigLayer {
  const own: ConfigLayer = {};
  for (const [key, value] of Object.entries(config)) {
    if (RESERVED.has(key)) continue;
    const section = SECTIONS.find((name) => name === key);
    if (section === undefined) own[key] = value;
    else if (isPlainObject(value)) {
      const known = STANDARD[section].properties;
      const others = Object.entries(value).filter(([inner]) => !Object.hasOwn(known, inner));
      if (others.length > 0) own[key] = Object.fromEntries(others);
    }
  }
  return own;
}

/**
 * What a layer of such an agent may hold, as one JSON Schema for editors and forms: all of it optional,
 * since a layer says only what it changes. Without a schema of the package own keys are free.
 */
export function wholeSchema(schema: SchemaDocument | null, name: string): SchemaDocument {
  const own = isPlainObject(schema?.['properties']) ? schema['properties'] : {};
  const properties: SchemaDocument = {
    $schema: { type: 'string', description: 'For editors; not part of the configuration.' },
    ...own,
  };
  for (const [key, standard] of Object.entries(STANDARD)) {
    const section = SECTIONS.find((one) => one === key);
    if (section === undefined) properties[key] = plain(standard);
    else {
      const more = isPlainObject(own[key]) ? own[key]['properties'] : undefined;
      properties[key] = {
        type: 'object',
        properties: { ...plain(STANDARD[section].properties), ...(isPlainObject(more) && more) },
        ...(schema !== null && { additionalProperties: false }),
      };
    }
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `Configuration of ${name}`,
    type: 'object',
    properties,
    additionalProperties: schema === null ? true : (schema['additionalProperties'] ?? false),
  };
}

/** Without what the schema builder keeps beside the JSON. */
function plain(value: unknown): SchemaDocument {
  return JSON.parse(JSON.stringify(value)) as SchemaDocument;
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isScalar(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** The rule engine admits only such expressions; the letter in front is for those that match nothing too. */
function isLinear(pattern: string): boolean {
  const source = `x(?:${pattern})`;
  const rule = {
    id: 'p',
    name: 'p',
    pattern: source,
    severity: 'info',
    action: 'log',
    kind: 'regex',
  };
  return pattern.length <= 512 && isExpression(pattern) && compileRules([rule]).ok;
}

function isExpression(pattern: string): boolean {
  try {
    linear(pattern);
    return true;
  } catch {
    // The answer is that it is none.
    return false;
  }
}

/** V8's matcher without backtracking; the rule engine, which is loaded, makes its flag known. */
const LINEAR: string = 'l';

function linear(pattern: string): RegExp {
  return new RegExp(pattern, LINEAR);
}

/** Texts that do not match: apart from the compiled schema, whose expressions would backtrack. */
function patternFaults(schema: unknown, value: unknown, path: string): Fault[] {
  if (!isPlainObject(schema)) return [];
  const { pattern, items, properties, additionalProperties: others } = schema;
  if (typeof value === 'string' && typeof pattern === 'string' && !linear(pattern).test(value)) {
    return [{ path, message: `must match ${pattern}` }];
  }
  const below = (key: string | number) => (path === '' ? String(key) : `${path}.${key}`);
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => patternFaults(items, item, below(index)));
  }
  if (!isPlainObject(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const known = isPlainObject(properties) && Object.hasOwn(properties, key);
    return patternFaults(known ? properties[key] : others, inner, below(key));
  });
}

/** The schema without its expressions. */
function withoutPatterns(schema: unknown): unknown {
  if (!isPlainObject(schema)) return schema;
  const { pattern: _, ...rest } = schema;
  const { items, properties, additionalProperties: others } = rest;
  return {
    ...rest,
    ...(items !== undefined && { items: withoutPatterns(items) }),
    ...(others !== undefined && { additionalProperties: withoutPatterns(others) }),
    ...(isPlainObject(properties) && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, inner]) => [key, withoutPatterns(inner)]),
      ),
    }),
  };
}
