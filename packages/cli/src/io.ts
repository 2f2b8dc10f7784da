/** Where a command reads and writes: data to stdout, everything else to stderr. */
export interface Io {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** Data, to stdout. */
  print(line: string): void;
  /** What happens, to stderr. */
  note(line: string): void;
  error(line: string): void;
  /** Is stdout a terminal a person looks at? */
  interactive: boolean;
}
