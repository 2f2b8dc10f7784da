/**
 * The schema builder and compiler. They come as one file, because typebox's 680 modules cost every
 * process that loads them 300 ms of CPU time and 30 MB; its types are its own.
 */

export type { Static, TObject, TSchema } from 'typebox';
export type { Validator } from 'typebox/compile';
export { Compile, IsDateTime, setFormat, Type } from './generated/typebox.js';
