/** `opmas config draft edit`: a draft in the editor, stored as soon as a layer may hold it. */
import { configsFleetSchema, configsSchema, draftsUpdate } from '@opmas/client';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { given, type Run } from '../run.ts';
import { errorLines } from './config-check.ts';
import { conflictLines, detailOf, draftId, labelOf } from './config-draft.ts';
import { editDocument } from './config-edit.ts';

export async function edit(run: Run): Promise<ExitCode> {
  const { io, options, out, args } = run;
  const api = await run.api();
  const id = await draftId(api, args[0]);
  const before = await detailOf(api, id);
  const { scope, name } = before;
  const schema = await api.call((client) =>
    scope === 'agent' && name !== null
      ? configsSchema({ client, path: { agent_id: name } })
      : configsFleetSchema({ client }),
  );
  await editDocument(run, { config: before.config, schema }, async (document) => {
    const body = { document, ...given({ reason: options.text('reason') }) };
    const headers = { 'If-Match': `"${before.version}"` };
    try {
      await api.call((client) => draftsUpdate({ client, path: { draft_id: id }, headers, body }));
    } catch (error) {
      // What no layer may hold is shown again; anything else ends it.
      const problem = error instanceof CliError ? error.problem : undefined;
      if (problem?.code !== 'OPMAS_INVALID_CONFIGURATION') throw error;
      return errorLines({ errors: problem.errors ?? [] });
    }
    const after = await detailOf(api, id);
    out.done(after, `${id}: draft of ${labelOf(after)} is now version ${after.version}`);
    for (const line of [...conflictLines(after), ...errorLines(after).map(notYet)]) io.note(line);
    return [];
  });
  return EXIT.ok;
}

function notYet(line: string): string {
  return `not valid yet: ${line}`;
}
