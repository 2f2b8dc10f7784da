/** Reads the imports of one source after the other, on a thread of its own: hostile nesting breaks the type stripper for good. */
import { stripTypeScriptTypes } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { init, parse } from 'es-module-lexer';
import type { LexAnswer, LexRequest } from './import-lexer.ts';

const SYNTAX = new Set(['ERR_INVALID_TYPESCRIPT_SYNTAX', 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX']);

await init();
parentPort?.on('message', (request: LexRequest) => parentPort?.postMessage(answer(request)));

function answer({ source, typescript }: LexRequest): LexAnswer {
  let code = source;
  if (typescript) {
    try {
      code = stripTypeScriptTypes(source);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && SYNTAX.has(String(error.code)))) {
        return { ok: false, broken: true, message: 'it cannot be parsed: nested too deeply' };
      }
      const line = Number(/:(\d+)/.exec(error.stack?.split('\n')[0] ?? '')?.[1] ?? 1);
      return { ok: false, broken: false, line, message: error.message.slice(0, 200) };
    }
  }
  try {
    const [imports] = parse(code);
    return {
      ok: true,
      imports: imports.flatMap((one) => (isStatic(one) ? [read(one, code)] : [])),
    };
  } catch (error) {
    const at = /@:(\d+)/.exec(error instanceof Error ? error.message : '');
    return { ok: false, broken: false, line: Number(at?.[1] ?? 1), message: 'it cannot be parsed' };
  }
}

type Import = ReturnType<typeof parse>[0][number];
type Static = Extract<Import, { type: 'static' | 'reexport-star' }>;

function isStatic(one: Import): one is Static {
  return one.type === 'static' || one.type === 'reexport-star';
}

/** Stripping keeps every position, so the line is the author's. */
function read(one: Static, code: string): { specifier: string; line: number } {
  return { specifier: one.specifier, line: code.slice(0, one.importStart).split('\n').length };
}
