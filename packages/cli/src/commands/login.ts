/** `opmas login|logout|whoami|can-i`. */
import { authCanI, authLogin, authLogout, authMe } from '@opmas/client';
import { agentOf } from '../api/agent-ref.ts';
import { asError, CliError, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Run } from '../run.ts';
import { credentialsFile } from '../session/credentials-file.ts';
import { loginOf } from '../session/tokens.ts';
import { ask, stdinLines } from './ask.ts';

export async function login(run: Run): Promise<ExitCode> {
  const { io, out, options } = run;
  const api = await run.api();
  const fromStdin = options.flag('passwordStdin');
  const username =
    options.text('username') ?? (fromStdin ? undefined : await ask(run, 'User name'));
  if (username === undefined) throw usageError('--password-stdin needs --username');
  const [password = '', code] = fromStdin
    ? await stdinLines(run, 2)
    : [await ask(run, 'Password', { hidden: true })];
  if (password === '') throw usageError('No password came on stdin');
  const attempt = (totp?: string) =>
    api.call((client) =>
      authLogin({ client, body: { username, password, ...(totp && { totp }) } }),
    );
  const pair = await attempt().catch(async (error: unknown) => {
    if (!needsCode(error)) throw error;
    if (code) return attempt(code);
    if (io.stdin.isTTY !== true) throw error;
    return attempt(await ask(run, 'Code of the second factor, or a recovery code'));
  });
  const file = credentialsFile(io.env);
  await file.update(api.target.url, async () => loginOf(username, pair));
  out.done(
    { url: api.target.url, username, credentials: file.path },
    `Signed in at ${api.target.url} as ${username}.`,
  );
  return EXIT.ok;
}

function needsCode(error: unknown): boolean {
  return error instanceof CliError && error.problem?.code === 'OPMAS_TOTP_REQUIRED';
}

export async function logout(run: Run): Promise<ExitCode> {
  const { io, out } = run;
  const api = await run.api();
  const { url } = api.target;
  let username: string | undefined;
  let failure: Error | undefined;
  await credentialsFile(io.env).update(url, async (saved) => {
    username = saved?.username;
    if (saved === undefined) return undefined;
    // Forgotten here even when the server cannot be told; that it was not is said.
    await api
      .call((client) => authLogout({ client, body: { refresh_token: saved.refresh_token } }))
      .catch((error: unknown) => {
        failure = asError(error);
      });
    return undefined;
  });
  if (failure !== undefined) throw failure;
  out.done(
    { url, username: username ?? null },
    username === undefined ? `No saved login at ${url}.` : `Signed out at ${url}.`,
  );
  return EXIT.ok;
}

export async function whoami(run: Run): Promise<ExitCode> {
  const api = await run.api();
  const me = await api.call((client) => authMe({ client }));
  const { url } = api.target;
  run.out.one({ ...me, url }, [
    ['user', me.username],
    ['kind', me.kind],
    ['roles', me.roles.join(', ')],
    ['server', url],
  ]);
  return EXIT.ok;
}

export async function canI(run: Run): Promise<ExitCode> {
  const [permission = '', ref] = run.args;
  const api = await run.api();
  const agentId = ref === undefined ? undefined : (await agentOf(api, ref)).agent_id;
  const { allowed } = await api.call((client) =>
    authCanI({ client, query: { permission, ...(agentId && { agent_id: agentId }) } }),
  );
  run.out.done({ permission, allowed }, allowed ? 'yes' : 'no');
  return allowed ? EXIT.ok : EXIT.forbidden;
}
