/** Typed configuration keys of an agent: each gives the TypeScript type, the JSON schema and the default. */
import { type Fault, faultsOf, type TSchema, Type } from '@opmas/protocol';

/** One configuration key: its schema and what holds when nobody sets it. */
export interface Field<T> {
  readonly schema: TSchema;
  readonly default: T;
}

/** The configuration an agent declares, by key. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The values of declared fields. */
export type FieldValues<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};

interface About {
  description?: string;
}

/**
 * Builders of fields.
 * @example
 * config: { threshold: t.int(5, { min: 1, max: 1000 }), mode: t.string('strict'), users: t.list(t.string('')) }
 */
export const t = {
  /** A whole number, `min` and `max` included. */
  int: (fallback: number, options: About & { min?: number; max?: number } = {}): Field<number> => ({
    schema: Type.Integer(range(options)),
    default: fallback,
  }),
  /** Any finite number. */
  number: (
    fallback: number,
    options: About & { min?: number; max?: number } = {},
  ): Field<number> => ({ schema: Type.Number(range(options)), default: fallback }),
  /** A text of at most `maxLength` (4,096) characters; `pattern` is a regular expression. */
  string: (
    fallback: string,
    options: About & { minLength?: number; maxLength?: number; pattern?: string } = {},
  ): Field<string> => ({
    schema: Type.String({ maxLength: 4_096, ...options }),
    default: fallback,
  }),
  bool: (fallback: boolean, options: About = {}): Field<boolean> => ({
    schema: Type.Boolean({ ...options }),
    default: fallback,
  }),
  /** One of `values`. */
  oneOf: <const V extends string>(
    values: readonly V[],
    fallback: NoInfer<V>,
    options: About = {},
  ): Field<V> => ({ schema: Type.Enum([...values], { ...options }), default: fallback }),
  /** A list of `item`s, at most `maxItems` (1,000); the item's own default is not used. */
  list: <T>(
    item: Field<T>,
    fallback: readonly T[] = [],
    options: About & { minItems?: number; maxItems?: number } = {},
  ): Field<readonly T[]> => ({
    schema: Type.Array(item.schema, { maxItems: 1_000, ...options }),
    default: fallback,
  }),
} as const;

/** The defaults of `fields`, as a configuration layer. */
export function defaultsOf(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, field.default]));
}

/** JSON Schema of all fields together, for forms and for checking outside the agent. */
export function schemaOf(fields: Fields): TSchema {
  const properties = Object.entries(fields).map(([key, field]) => [key, field.schema]);
  return Type.Object(Object.fromEntries(properties));
}

/** What is wrong with the fields' values in `document`, by dotted path. */
export function fieldFaults(fields: Fields, document: Record<string, unknown>): Fault[] {
  return Object.entries(fields).flatMap(([key, field]) =>
    faultsOf(field.schema, document[key]).map((fault) => ({
      path: fault.path === '' ? key : `${key}.${fault.path}`,
      message: fault.message,
    })),
  );
}

function range(options: About & { min?: number; max?: number }): {
  minimum?: number;
  maximum?: number;
  description?: string;
} {
  const { min, max, description } = options;
  return {
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
    ...(description === undefined ? {} : { description }),
  };
}
