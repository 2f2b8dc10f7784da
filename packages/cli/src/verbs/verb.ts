/** What a command is, before its code is loaded. */
import type { Command } from '../run.ts';

export interface VerbOption {
  /** As commander reads it: `-l, --limit <n>`. */
  flags: string;
  about: string;
  choices?: readonly string[];
  /** May be given several times. */
  many?: boolean;
}

export interface Verb {
  /** `agents ls` */
  name: string;
  about: string;
  /** `<agent...>`, `[message...]` */
  args?: readonly string[];
  options?: readonly VerbOption[];
  /** A paragraph for `--help` and the reference. */
  more?: string;
  /** Its code is loaded when it runs. */
  load(): Promise<Command>;
}
