/** What is no HTTP request the server can read: answered on the bare socket, in our form. */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { OpmasError } from '../../kernel/errors.ts';
import { PROBLEM_TYPE, toProblem } from './problem.ts';

const TOO_LATE = 'ERR_HTTP_REQUEST_TIMEOUT';

/** Closes the connection: where the next request would begin is not known. */
export function refuseUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  if (error.code === TOO_LATE && socket.bytesRead === 0) {
    // Browsers open connections ahead. An answer would be taken for that to the first request sent on one just
    // then; where it closes without a word, the request is sent again on another.
    socket.destroy();
    return;
  }
  const refused = refusal(error.code);
  const body = JSON.stringify(toProblem(refused, randomUUID()));
  socket.end(
    `HTTP/1.1 ${refused.status} ${STATUS_CODES[refused.status]}\r\nContent-Type: ${PROBLEM_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function refusal(code: string | undefined): OpmasError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new OpmasError('OPMAS_TOO_LARGE', 'The headers are too large');
  }
  const why = code === TOO_LATE ? 'The request did not arrive in time' : 'This is no HTTP request';
  return new OpmasError('OPMAS_INVALID_REQUEST', why);
}
