/** Which passwords are taken: long ones that nobody guesses. No rule on what characters they are made of. */
import { hostname } from 'node:os';
import { OpmasError } from '../../kernel/errors.ts';

/** Alone; beside a second factor `MIN_BESIDE_SECOND_FACTOR` is enough. */
export const MIN_PASSWORD = 15;
export const MIN_BESIDE_SECOND_FACTOR = 8;
export const MAX_PASSWORD = 256;

/** The estimator's work grows with length; what is strong this far is strong. */
const ESTIMATED = 100;
/** Its scale is 0 to 4: below 3 a password falls within 10^8 guesses, below 2 within 10^6. */
const SCORE = { alone: 3, besideSecondFactor: 2 };
const MIN_DIFFERENT = 5;

const REASONS: Readonly<Record<string, string>> = {
  common: 'It is one of the passwords everybody tries first',
  topTen: 'It is one of the passwords everybody tries first',
  topHundred: 'It is one of the passwords everybody tries first',
  similarToCommon: 'It is close to passwords everybody tries first',
  simpleRepeat: 'It repeats a character',
  extendedRepeat: 'It repeats a short text',
  sequences: 'It is a sequence such as abc or 123',
  straightRow: 'It is a row of the keyboard',
  keyPattern: 'It is a pattern on the keyboard',
  dates: 'It is a date',
  recentYears: 'It is little more than a year',
  wordByItself: 'It is a single word',
  namesByThemselves: 'It is a name',
  commonNames: 'It is a name',
  userInputs: 'It is made of the user name or of the name of this installation',
};

export interface PolicyContext {
  username: string;
  /** Does the account ask for a second factor? */
  secondFactor: boolean;
}

/**
 * @returns whether it is shorter than a password alone may be
 * @throws {OpmasError} OPMAS_PASSWORD_REFUSED with the reason
 */
export async function checkPassword(
  given: string,
  { username, secondFactor }: PolicyContext,
): Promise<{ short: boolean }> {
  const password = given.normalize('NFKC');
  const length = Array.from(password).length;
  const least = secondFactor ? MIN_BESIDE_SECOND_FACTOR : MIN_PASSWORD;
  if (length < least) throw refuse(`Use at least ${least} characters; a sentence is fine`);
  if (password.length > MAX_PASSWORD) throw refuse(`Use at most ${MAX_PASSWORD} characters`);
  if (new Set(password).size < MIN_DIFFERENT) {
    throw refuse('It repeats too few different characters');
  }
  if (username.length >= 4 && password.toLowerCase().includes(username.toLowerCase())) {
    throw refuse('It contains the user name');
  }
  const { score, warning } = (await estimator()).estimate(password.slice(0, ESTIMATED), [
    username,
    'opmas',
    hostname(),
  ]);
  if (score < (length < MIN_PASSWORD ? SCORE.besideSecondFactor : SCORE.alone)) {
    const why = REASONS[warning ?? ''] ?? 'It is easy to guess';
    throw refuse(`${why}; add a few words nobody would expect there`);
  }
  return { short: length < MIN_PASSWORD };
}

function refuse(reason: string): OpmasError {
  return new OpmasError('OPMAS_PASSWORD_REFUSED', reason, {
    errors: [{ path: 'password', message: reason }],
  });
}

interface Estimator {
  estimate(password: string, context: string[]): { score: number; warning: string | null };
}

let loaded: Promise<Estimator> | undefined;

/** Loaded with its word lists (30 MB) when the first password is chosen: a start does not need it. */
function estimator(): Promise<Estimator> {
  loaded ??= load().catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function load(): Promise<Estimator> {
  const [{ ZxcvbnFactory }, { adjacencyGraphs, dictionary }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ]);
  const checker = new ZxcvbnFactory({
    dictionary,
    graphs: adjacencyGraphs,
    maxLength: ESTIMATED,
  });
  return {
    estimate: (password, context) => {
      const { score, feedback } = checker.check(password, context);
      return { score, warning: feedback.warning };
    },
  };
}
