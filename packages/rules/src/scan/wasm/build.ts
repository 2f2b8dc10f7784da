/** `node packages/rules/src/scan/wasm/build.ts`: writes the module's bytes after a change of the program. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { moduleSource } from './source.ts';

writeFileSync(join(import.meta.dirname, 'module.ts'), moduleSource());
