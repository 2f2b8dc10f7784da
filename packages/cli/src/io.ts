/** Where a command reads and writes: data to stdout, everything else to stderr. */
export interface Io {
  env: Environment;
  /** Paths of the command line are relative to it. */
  cwd: string;
  /** Data, to stdout. */
  print(line: string): void;
  /** What happens, to stderr. */
  note(line: string): void;
  error(line: string): void;
  /** Is stdout a terminal a person looks at? */
  interactive: boolean;
  stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  /** Aborted by Ctrl-C from now on; without this call Ctrl-C ends the process at once. */
  onInterrupt(): AbortSignal;
}

export type Environment = Readonly<Record<string, string | undefined>>;
