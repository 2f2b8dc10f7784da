/** A program and its arguments, as they are started: no shell reads them. */
export interface Command {
  file: string;
  args: string[];
}
