/** A small assembler for WebAssembly: instructions as functions, locals and labels by name. */

type Token =
  | number
  | { readonly local: string }
  | { readonly opens: string }
  | { readonly closes: true }
  | { readonly branchTo: string };
/** A sequence of instructions. */
export type Code = readonly Token[];

const I32 = 0x7f;
const VOID = 0x40;
const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

const binary =
  (opcode: number) =>
  (left: Code, right: Code): Code => [...left, ...right, opcode];
const unary =
  (opcode: number) =>
  (value: Code): Code => [...value, opcode];
const memory =
  (opcode: readonly number[], align: number) =>
  (address: Code, offset = 0): Code => [...address, ...opcode, align, ...unsigned(offset)];

export const i32 = (value: number): Code => [0x41, ...signed(value)];
export const add = binary(0x6a);
export const sub = binary(0x6b);
export const mul = binary(0x6c);
export const and = binary(0x71);
export const or = binary(0x72);
export const shl = binary(0x74);
export const shr = binary(0x76);
export const eq = binary(0x46);
export const ne = binary(0x47);
export const less = binary(0x48);
export const greater = binary(0x4a);
export const atLeast = binary(0x4e);
export const isZero = unary(0x45);
export const leadingZeros = unary(0x67);
export const trailingZeros = unary(0x68);
export const ones = unary(0x69);
export const differ64 = binary(0x52);
export const load32 = memory([0x28], 2);
export const load64 = memory([0x29], 0);
export const load8 = memory([0x2d], 0);
export const loadVector = memory([0xfd, 0x00], 0);
export const equalBytes = (left: Code, right: Code): Code => [...left, ...right, 0xfd, 0x23];
export const lessBytes = (left: Code, right: Code): Code => [...left, ...right, 0xfd, 0x26];
export const greaterBytes = (left: Code, right: Code): Code => [...left, ...right, 0xfd, 0x28];
export const orBytes = (left: Code, right: Code): Code => [...left, ...right, 0xfd, 0x50];
export const bitmask = (vector: Code): Code => [...vector, 0xfd, ...unsigned(0x64)];
/** @param bytes 16 */
export const vectorFrom = (bytes: Iterable<number>): Code => [0xfd, 0x0c, ...bytes];
export const vectorOf = (byte: number): Code => vectorFrom(new Uint8Array(16).fill(byte));
export const store32 = (address: Code, value: Code, offset = 0): Code => [
  ...address,
  ...value,
  0x36,
  2,
  ...unsigned(offset),
];
export const store8 = (address: Code, value: Code, offset = 0): Code => [
  ...address,
  ...value,
  0x3a,
  0,
  ...unsigned(offset),
];
export const storeVector = (address: Code, vector: Code, offset = 0): Code => [
  ...address,
  ...vector,
  0xfd,
  0x0b,
  0,
  ...unsigned(offset),
];
export const copy = (to: Code, from: Code, bytes: Code): Code => [
  ...to,
  ...from,
  ...bytes,
  0xfc,
  0x0a,
  0,
  0,
];

export const get = (local: string): Code => [0x20, { local }];
export const set = (local: string, value: Code): Code => [...value, 0x21, { local }];
export const getGlobal = (index: number): Code => [0x23, ...unsigned(index)];
export const setGlobal = (index: number, value: Code): Code => [...value, 0x24, ...unsigned(index)];
export const call = (index: number, ...args: Code[]): Code => [
  ...args.flat(),
  0x10,
  ...unsigned(index),
];

export const block = (label: string, ...body: Code[]): Code => [
  { opens: label },
  0x02,
  VOID,
  ...body.flat(),
  { closes: true },
];
/** `branch` to its label begins it anew; without a branch it ends. */
export const loop = (label: string, ...body: Code[]): Code => [
  { opens: label },
  0x03,
  VOID,
  ...body.flat(),
  { closes: true },
];
export const when = (condition: Code, ...body: Code[]): Code => [
  ...condition,
  { opens: '' },
  0x04,
  VOID,
  ...body.flat(),
  { closes: true },
];
/** Leaves the function; the stack holds its result. */
export const giveBack = (value: Code = []): Code => [...value, 0x0f];
export const branch = (label: string): Code => [0x0c, { branchTo: label }];
export const branchIf = (label: string, condition: Code): Code => [
  ...condition,
  0x0d,
  { branchTo: label },
];

/** A function of 32-bit numbers. Those with a name are exported. */
export interface Func {
  name?: string;
  params: readonly string[];
  locals: readonly string[];
  result: boolean;
  body: readonly Code[];
}

/** A module with one memory imported as `env.memory`, and `globals` mutable 32-bit numbers. */
export function assemble(functions: readonly Func[], globals: number): Uint8Array {
  const types = functions.map(({ params, result }) => [
    0x60,
    ...vector(params.map(() => [I32])),
    ...vector(result ? [[I32]] : []),
  ]);
  const exported = functions.flatMap(({ name }, index) =>
    name === undefined ? [] : [[...text(name), 0, ...unsigned(index)]],
  );
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(1, vector(types)),
    ...section(2, vector([[...text('env'), ...text('memory'), 0x02, 0x00, 0x01]])),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(6, vector(Array.from({ length: globals }, () => [I32, 1, 0x41, 0, 0x0b]))),
    ...section(7, vector(exported)),
    ...section(10, vector(functions.map(encode))),
  ]);
}

function encode({ params, locals, body }: Func): number[] {
  const names = [...params, ...locals];
  const labels: string[] = [];
  const code: number[] = [];
  for (const token of body.flat()) {
    if (typeof token === 'number') code.push(token);
    else if ('local' in token) code.push(...unsigned(known(names, token.local)));
    else if ('opens' in token) labels.push(token.opens);
    else if ('closes' in token) {
      labels.pop();
      code.push(0x0b);
    } else code.push(...unsigned(labels.length - 1 - known(labels, token.branchTo)));
  }
  const declared = locals.length === 0 ? [] : [[...unsigned(locals.length), I32]];
  const whole = [...vector(declared), ...code, 0x0b];
  return [...unsigned(whole.length), ...whole];
}

function known(names: readonly string[], name: string): number {
  const index = names.lastIndexOf(name);
  if (index < 0) throw new Error(`nothing is called ${name}: there are ${names.join(', ')}`);
  return index;
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function text(value: string): number[] {
  return vector(Array.from(value, (char) => [char.charCodeAt(0)]));
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; rest >>= 7) {
    const low = rest & 0x7f;
    const last = rest >> 6 === 0 || rest >> 6 === -1;
    bytes.push(last ? low : low | 0x80);
    if (last) return bytes;
  }
}
