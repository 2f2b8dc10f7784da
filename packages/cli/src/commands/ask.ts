/** Asks a person, or reads what a script puts on stdin: passwords never come as arguments. */
import { createInterface } from 'node:readline/promises';
import { CliError, interrupted, usageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import { visible } from '../output/visible.ts';
import type { Run } from '../run.ts';

const NOBODY = 'Nobody can be asked here';

/** Asked on the terminal; `hidden` does not show what is typed. */
export async function ask(
  { io }: Run,
  message: string,
  { hidden = false }: { hidden?: boolean } = {},
): Promise<string> {
  if (io.stdin.isTTY !== true) {
    throw usageError(NOBODY, 'Use --username and --password-stdin, or OPMAS_TOKEN.');
  }
  const { isCancel, password, text } = await import('@clack/prompts');
  // Answers are no data: the prompt goes to stderr.
  const options = { message, output: process.stderr };
  const answer = hidden ? await password(options) : await text(options);
  if (isCancel(answer)) throw interrupted();
  if (answer === undefined || answer === '')
    throw usageError(`No ${message.toLowerCase()} was given`);
  return answer;
}

/** One hidden answer to each question, or one line of stdin for each. */
export async function askHidden(run: Run, ...questions: readonly string[]): Promise<string[]> {
  if (run.io.stdin.isTTY !== true) return lines(run, questions);
  const answers: string[] = [];
  for (const question of questions) answers.push(await ask(run, question, { hidden: true }));
  return answers;
}

async function lines(run: Run, questions: readonly string[]): Promise<string[]> {
  const read = await stdinLines(run, questions.length);
  return questions.map((question, index) => {
    const line = read[index] ?? '';
    if (line === '') throw new CliError(EXIT.usage, `No ${question.toLowerCase()} came on stdin`);
    return line;
  });
}

/** At most `count` lines of stdin. */
export async function stdinLines({ io }: Run, count: number): Promise<string[]> {
  let text = '';
  for await (const chunk of io.stdin) {
    text += chunk.toString();
    if (text.split('\n').length > count) break;
    if (Buffer.byteLength(text) > limits.passwordBytes) {
      throw usageError('What came on stdin is too long for a password');
    }
  }
  return text.split(/\r?\n/, count);
}

/** Goes on only after a yes, or with `--yes`. @throws {CliError} */
export async function confirm({ io, options }: Run, question: string): Promise<void> {
  if (options.flag('yes')) return;
  if (!io.interactive || io.stdin.isTTY !== true) throw usageError(NOBODY, 'Add --yes.');
  const prompt = createInterface({ input: io.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`${visible(question)} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(EXIT.interrupted, 'not removed');
  } finally {
    prompt.close();
  }
}
