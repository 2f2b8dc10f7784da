/** Types of the bundle; `scripts/bundle-libraries.ts` makes the file beside. */
import type * as typebox from 'typebox';

export declare const Type: Pick<
  typeof typebox,
  | 'Array'
  | 'Boolean'
  | 'Enum'
  | 'Integer'
  | 'Intersect'
  | 'Literal'
  | 'Null'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String'
  | 'Tuple'
  | 'Union'
  | 'Unknown'
>;
export { Compile } from 'typebox/compile';
export { IsDateTime, Set as setFormat } from 'typebox/format';
