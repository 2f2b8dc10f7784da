/** The one table of error codes: what a program may rely on. `docs/reference/errors.md` lists it. */
export interface ErrorKind {
  status: number;
  title: string;
  /** gRPC status name, for the later door. */
  grpc: string;
  /** The specification's error type this code belongs to (agent management 11), if any. */
  spec?: string;
}

export const ERRORS = {
  OPMAS_INVALID_CONFIGURATION: {
    status: 400,
    title: 'Invalid configuration',
    grpc: 'INVALID_ARGUMENT',
    spec: 'validation: invalid configuration',
  },
  OPMAS_MISSING_FIELD: {
    status: 400,
    title: 'Required field missing',
    grpc: 'INVALID_ARGUMENT',
    spec: 'validation: missing required fields',
  },
  OPMAS_TYPE_MISMATCH: {
    status: 400,
    title: 'Wrong type',
    grpc: 'INVALID_ARGUMENT',
    spec: 'validation: type mismatches',
  },
  OPMAS_INVALID_FORMAT: {
    status: 400,
    title: 'Wrong format',
    grpc: 'INVALID_ARGUMENT',
    spec: 'validation: format errors',
  },
  OPMAS_BROKER_UNAVAILABLE: {
    status: 503,
    title: 'Message broker unavailable',
    grpc: 'UNAVAILABLE',
    spec: 'connection: NATS connection failure',
  },
  OPMAS_DATABASE_UNAVAILABLE: {
    status: 503,
    title: 'Database unavailable',
    grpc: 'UNAVAILABLE',
    spec: 'connection: database connection issues',
  },
  OPMAS_API_UNREACHABLE: {
    status: 503,
    title: 'Management API unreachable',
    grpc: 'UNAVAILABLE',
    spec: 'connection: API communication problems',
  },
  OPMAS_TIMEOUT: {
    status: 504,
    title: 'Timed out',
    grpc: 'DEADLINE_EXCEEDED',
    spec: 'connection: network timeouts',
  },
  OPMAS_AGENT_CRASHED: {
    status: 500,
    title: 'Agent crashed',
    grpc: 'INTERNAL',
    spec: 'process: agent crashes',
  },
  OPMAS_RESOURCE_EXHAUSTED: {
    status: 500,
    title: 'Resource exhausted',
    grpc: 'RESOURCE_EXHAUSTED',
    spec: 'process: resource exhaustion',
  },
  OPMAS_PROCESS_PERMISSION: {
    status: 500,
    title: 'Process lacks a permission',
    grpc: 'INTERNAL',
    spec: 'process: permission issues',
  },
  OPMAS_SYSTEM_ERROR: {
    status: 500,
    title: 'System error',
    grpc: 'INTERNAL',
    spec: 'process: system errors',
  },
  OPMAS_MASTER_KEY_UNUSABLE: { status: 500, title: 'Master key unusable', grpc: 'INTERNAL' },
  OPMAS_SECRET_UNREADABLE: { status: 500, title: 'Secret cannot be opened', grpc: 'INTERNAL' },
  OPMAS_INTERNAL: { status: 500, title: 'Internal error', grpc: 'INTERNAL' },
  OPMAS_INVALID_REQUEST: { status: 400, title: 'Invalid request', grpc: 'INVALID_ARGUMENT' },
  OPMAS_UNKNOWN_VERSION: { status: 400, title: 'Unknown API version', grpc: 'INVALID_ARGUMENT' },
  OPMAS_EVENTS_REJECTED: { status: 400, title: 'No event accepted', grpc: 'INVALID_ARGUMENT' },
  OPMAS_PASSWORD_REFUSED: { status: 400, title: 'Password refused', grpc: 'INVALID_ARGUMENT' },
  OPMAS_UNAUTHENTICATED: { status: 401, title: 'Not signed in', grpc: 'UNAUTHENTICATED' },
  OPMAS_BAD_CREDENTIALS: { status: 401, title: 'Wrong name or password', grpc: 'UNAUTHENTICATED' },
  OPMAS_TOKEN_INVALID: {
    status: 401,
    title: 'Token invalid, used or expired',
    grpc: 'UNAUTHENTICATED',
  },
  OPMAS_TOTP_REQUIRED: { status: 401, title: 'Second factor needed', grpc: 'UNAUTHENTICATED' },
  OPMAS_PASSWORD_WRONG: { status: 403, title: 'Wrong password', grpc: 'PERMISSION_DENIED' },
  OPMAS_CODE_WRONG: { status: 403, title: 'Wrong code', grpc: 'PERMISSION_DENIED' },
  OPMAS_NO_ROLE: { status: 403, title: 'No role here', grpc: 'PERMISSION_DENIED' },
  OPMAS_FORBIDDEN: { status: 403, title: 'Forbidden', grpc: 'PERMISSION_DENIED' },
  OPMAS_CROSS_ORIGIN: {
    status: 403,
    title: 'Sent from another site',
    grpc: 'PERMISSION_DENIED',
  },
  OPMAS_NOT_FOUND: { status: 404, title: 'Not found', grpc: 'NOT_FOUND' },
  OPMAS_AGENT_NOT_FOUND: { status: 404, title: 'No such agent', grpc: 'NOT_FOUND' },
  OPMAS_FINDING_NOT_FOUND: { status: 404, title: 'No such finding', grpc: 'NOT_FOUND' },
  OPMAS_PUBLISHER_NOT_FOUND: { status: 404, title: 'Publisher not found', grpc: 'NOT_FOUND' },
  OPMAS_PACKAGE_NOT_FOUND: { status: 404, title: 'No such package', grpc: 'NOT_FOUND' },
  OPMAS_ACTION_NOT_FOUND: { status: 404, title: 'No such action', grpc: 'NOT_FOUND' },
  OPMAS_JOB_NOT_FOUND: { status: 404, title: 'No such job', grpc: 'NOT_FOUND' },
  OPMAS_METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed', grpc: 'UNIMPLEMENTED' },
  OPMAS_AGENT_NAME_TAKEN: { status: 409, title: 'Agent name taken', grpc: 'ALREADY_EXISTS' },
  OPMAS_DUPLICATE_IDENTITY: {
    status: 409,
    title: 'Another instance holds this identity',
    grpc: 'FAILED_PRECONDITION',
  },
  OPMAS_KEY_REVOKED: { status: 409, title: 'Key was revoked', grpc: 'FAILED_PRECONDITION' },
  OPMAS_CONFLICT: { status: 409, title: 'Conflict', grpc: 'FAILED_PRECONDITION' },
  OPMAS_ILLEGAL_TRANSITION: {
    status: 409,
    title: 'Not possible in this state',
    grpc: 'FAILED_PRECONDITION',
  },
  OPMAS_SETUP_DONE: { status: 409, title: 'Set-up already done', grpc: 'FAILED_PRECONDITION' },
  OPMAS_VERSION_CONFLICT: { status: 412, title: 'Version moved on', grpc: 'ABORTED' },
  OPMAS_TOO_LARGE: { status: 413, title: 'Too large', grpc: 'RESOURCE_EXHAUSTED' },
  OPMAS_UNSUPPORTED_MEDIA: {
    status: 415,
    title: 'Unsupported media type',
    grpc: 'INVALID_ARGUMENT',
  },
  OPMAS_UNKNOWN_HOST: { status: 421, title: 'Not a name of this server', grpc: 'INVALID_ARGUMENT' },
  OPMAS_PROVIDER_UNAVAILABLE: {
    status: 503,
    title: 'Sign-in provider unavailable',
    grpc: 'UNAVAILABLE',
  },
  OPMAS_RATE_LIMITED: { status: 429, title: 'Too many requests', grpc: 'RESOURCE_EXHAUSTED' },
  OPMAS_UNAVAILABLE: { status: 503, title: 'Unavailable', grpc: 'UNAVAILABLE' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;
