/** Keys with dots into nested objects, without changing what they are given. */
import { usageError } from '../errors.ts';

export type Json = Record<string, unknown>;

const KEY = /^[A-Za-z0-9_-]{1,64}(?:\.[A-Za-z0-9_-]{1,64}){0,7}$/;

/** `processing.batch_size=50`: the value is JSON, or else text. @throws {CliError} usage */
export function parseAssignment(text: string): [key: string, value: unknown] {
  const at = text.indexOf('=');
  if (at < 1) throw usageError(`${JSON.stringify(text)} is no assignment`, 'Say key=value.');
  const key = text.slice(0, at);
  const raw = text.slice(at + 1);
  stepsOf(key);
  try {
    return [key, JSON.parse(raw)];
  } catch {
    return [key, raw];
  }
}

export function getKey(object: Json, key: string): unknown {
  let value: unknown = object;
  for (const step of stepsOf(key)) value = isObject(value) ? own(value, step) : undefined;
  return value;
}

export function setKey(object: Json, key: string, value: unknown): Json {
  return put(object, stepsOf(key), value);
}

/** Levels that become empty go too. */
export function unsetKey(object: Json, key: string): Json {
  return put(object, stepsOf(key), undefined);
}

/** Every value that is no object, with its key; a secret counts as one, and is its mask. */
export function leavesOf(object: Json, prefix = ''): [key: string, value: unknown][] {
  return Object.entries(object).flatMap(([name, value]) =>
    isObject(value) && Object.hasOwn(value, '$secret')
      ? [[`${prefix}${name}`, value['$secret']] as [string, unknown]]
      : isObject(value) && Object.keys(value).length > 0
        ? leavesOf(value, `${prefix}${name}.`)
        : [[`${prefix}${name}`, value] as [string, unknown]],
  );
}

function put(object: Json, [step, ...rest]: readonly string[], value: unknown): Json {
  if (step === undefined) return object;
  const below = own(object, step);
  const next = rest.length === 0 ? value : put(isObject(below) ? below : {}, rest, value);
  const others = Object.entries(object).filter(([name]) => name !== step);
  const isGone = next === undefined || (value === undefined && isEmpty(next));
  return Object.fromEntries(isGone ? others : [...others, [step, next]]);
}

function stepsOf(key: string): string[] {
  if (!KEY.test(key)) throw usageError(`${JSON.stringify(key)} is no key: a.b.c, at most 8 levels`);
  const steps = key.split('.');
  // The server takes no such key, wherever it stands.
  const at = steps.findIndex(
    (step, index) =>
      step === '__proto__' || (step === 'prototype' && steps[index - 1] === 'constructor'),
  );
  if (at === -1) return steps;
  throw usageError(
    `${steps.slice(0, at + 1).join('.')} is a key that no configuration may have`,
    'Call it something else.',
  );
}

/** Never the prototype's. */
function own(object: Json, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}
