/** As whom a command calls: OPMAS_TOKEN, the saved login, or the owner of the data folder. */
import { authRefresh, type Client } from '@opmas/client';
import { failureOf } from '../api/failure.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { limits } from '../limits.ts';
import { type CredentialsFile, credentialsFile, type Login } from './credentials-file.ts';
import { localToken } from './local-instance.ts';
import type { Target } from './target.ts';

export interface Tokens {
  /** The token to send, renewed when its end is near; undefined: nobody. */
  current(): Promise<string | undefined>;
  /** Another token than the refused one, or undefined when there is none. */
  other(refused: string): Promise<string | undefined>;
}

/** `client` calls without a token: renewing needs none. */
export function createTokens(io: Io, target: Target, client: Client): Tokens {
  const file = credentialsFile(io.env);
  const fixed = io.env['OPMAS_TOKEN'] || undefined;
  const owner = () => (target.local ? localToken(target.dataDir) : undefined);

  async function saved(refused?: string): Promise<string | undefined> {
    const login = file.read(target.url);
    if (login === undefined) return undefined;
    if (login.access_token !== refused && !isEnding(login)) return login.access_token;
    const renewed = await renew(file, target.url, client, refused);
    if (renewed === undefined)
      io.note(`The saved login at ${target.url} has ended; it is forgotten.`);
    return renewed?.access_token;
  }

  return {
    current: async () => fixed ?? (await saved()) ?? owner(),
    other: async (refused) => {
      if (fixed !== undefined) return undefined;
      const token = (await saved(refused)) ?? owner();
      return token === refused ? undefined : token;
    },
  };
}

/**
 * Exchanges the refresh token. A refresh token used twice closes the session, so the exchange and the
 * writing of its answer happen under the file's lock, and whoever waited for it uses the new pair.
 */
function renew(
  file: CredentialsFile,
  url: string,
  client: Client,
  refused: string | undefined,
): Promise<Login | undefined> {
  return file.update(url, async (login) => {
    if (login === undefined) return undefined;
    if (login.access_token !== refused && !isEnding(login)) return login;
    const result = await authRefresh({ client, body: { refresh_token: login.refresh_token } });
    if (result.data === undefined) {
      const failure = failureOf(result, url);
      if (failure instanceof CliError && failure.exit === EXIT.forbidden) return undefined;
      throw failure;
    }
    return loginOf(login.username, result.data);
  });
}

/** What is saved of a pair of tokens. */
export function loginOf(
  username: string,
  pair: { access_token: string; refresh_token?: string; expires_in: number },
): Login {
  if (pair.refresh_token === undefined) throw new Error('the server kept the refresh token');
  return {
    username,
    access_token: pair.access_token,
    refresh_token: pair.refresh_token,
    expires_at: new Date(Date.now() + pair.expires_in * 1_000).toISOString(),
  };
}

function isEnding(login: Login): boolean {
  const left = Date.parse(login.expires_at) - Date.now();
  return !(left > limits.renewBeforeMs);
}
