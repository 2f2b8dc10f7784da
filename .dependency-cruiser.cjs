/** The layers of ARCHITECTURE.md as rules. `scripts/check-layers.mjs` runs them and counts what they saw. */

/** Which packages a package may import. */
const PACKAGES = {
  protocol: [],
  keyring: ['protocol'],
  rules: ['protocol'],
  bus: ['protocol'],
  sdk: ['protocol', 'bus', 'rules'],
  ingest: ['protocol', 'bus'],
  collector: ['protocol', 'bus', 'ingest', 'keyring'],
  supervisor: ['protocol', 'bus', 'keyring'],
  server: ['protocol', 'bus', 'ingest', 'rules', 'keyring'],
  launcher: ['protocol', 'bus', 'keyring'],
  client: ['protocol'],
  ui: ['protocol', 'client'],
  // The sdk for `init agent` and `dev`, which an author uses before any server runs.
  // The rules for imports, which need no server.
  cli: ['protocol', 'client', 'launcher', 'sdk', 'keyring', 'rules'],
  testkit: ['protocol', 'keyring', 'bus', 'launcher'],
};

/** Features of the server, imported leftwards (towards the first) only; those of one row do not know each other. */
const FEATURES = [
  ['outbox', 'leases', 'audit', 'access', 'tokens', 'auth', 'secrets'],
  ['packages', 'agents', 'hosts'],
  ['credentials', 'configs', 'rules'],
  ['discovery', 'registration', 'telemetry', 'events', 'deliveries'],
  ['lifecycle', 'findings'],
  ['jobs'],
  ['alerts'],
  ['retention'],
];

const SERVER = '^packages/server/src';

/** Inside the server, bottom first; each imports what stands before it. */
const SERVER_LAYERS = [
  ['kernel', `${SERVER}/kernel/`],
  ['ports', `${SERVER}/(platform/ports|operation)[.]ts$`],
  ['features', `${SERVER}/features/`],
  ['operations and invoke', `${SERVER}/(operations|invoke)[.]ts$`],
  ['doors', `${SERVER}/doors/`],
  ['app', `${SERVER}/app[.]ts$`],
  ['main', `${SERVER}/main[.]ts$`],
];

/** Tests, test helpers and the folders that hold them. */
const TESTS = '([.]test[.]tsx?$|/testing[.]ts$|/(testing|test)/|^packages/testkit/|^e2e/|^bench/)';

const packageRules = Object.entries(PACKAGES).map(([name, allowed]) => ({
  name: `package-${name}`,
  comment: `${name} may import ${allowed.join(', ') || 'no other package'}`,
  severity: 'error',
  from: { path: `^packages/${name}/`, pathNot: TESTS },
  to: { path: '^packages/', pathNot: `^packages/(${[name, ...allowed].join('|')})/` },
}));

const serverRules = SERVER_LAYERS.map(([name, path], index) => ({
  name: `server-${name.replaceAll(' ', '-')}`,
  comment: `${name} may import only what lies below`,
  severity: 'error',
  from: { path, pathNot: TESTS },
  to: { path: SERVER_LAYERS.slice(index + 1).map(([, above]) => above) },
})).filter(({ to }) => to.path.length > 0);

const featureRules = FEATURES.flatMap((row, index) => {
  const above = FEATURES.slice(index + 1).flat();
  return row.map((name) => ({
    name: `feature-${name}`,
    comment: `${name} imports features of lower rows only`,
    severity: 'error',
    from: { path: `${SERVER}/features/${name}/`, pathNot: TESTS },
    to: {
      path: `${SERVER}/features/(${[...above, ...row.filter((other) => other !== name)].join('|')})/`,
    },
  }));
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'a cycle hides which of two modules is the lower one; types count too',
      severity: 'error',
      from: { pathNot: '^packages/client/src/generated/' },
      to: { circular: true },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'package-by-its-door',
      comment: 'a package is entered by its index.ts or another entry of its package.json',
      severity: 'error',
      from: { path: '^(packages/([^/]+)|agents|bench|e2e)/' },
      to: {
        path: '^packages/([^/]+)/',
        pathNot: [
          '^packages/$2/',
          '^packages/[^/]+/src/index[.]ts$',
          '^packages/sdk/src/(testing/index|runner/main)[.]ts$',
          // Loaded only where certificates are made: the library behind it is large.
          '^packages/keyring/src/certificates/index[.]ts$',
          '^packages/server/src/testing/server[.]ts$',
          // The test kit serves vitest itself by path.
          '^packages/testkit/src/global-setup[.]ts$',
        ],
      },
    },
    {
      name: 'feature-by-its-door',
      comment: 'a feature is entered by its index.ts',
      severity: 'error',
      from: {
        path: `${SERVER}/(features/([^/]+)/|doors/|operations[.]ts|invoke[.]ts|app[.]ts)`,
        pathNot: TESTS,
      },
      to: {
        path: `${SERVER}/features/([^/]+)/`,
        pathNot: [`${SERVER}/features/$2/`, `${SERVER}/features/[^/]+/index[.]ts$`],
      },
    },
    {
      name: 'platform-by-app-alone',
      comment: 'implementations are put together in app.ts',
      severity: 'error',
      from: { path: SERVER, pathNot: [`${SERVER}/(platform/|app[.]ts|main[.]ts)`, TESTS] },
      to: { path: `${SERVER}/platform/`, pathNot: `${SERVER}/platform/ports[.]ts$` },
    },
    {
      name: 'nats-by-bus-alone',
      comment: '@opmas/bus is the one NATS layer',
      severity: 'error',
      from: { path: '^(packages|agents)/', pathNot: ['^packages/bus/', TESTS] },
      to: { path: 'node_modules/@nats-io/' },
    },
    {
      name: 'no-io-in-protocol',
      comment: 'protocol and the page run in a browser',
      severity: 'error',
      from: { path: '^packages/(protocol|client|ui)/src/', pathNot: TESTS },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'sql-in-stores-and-platform',
      comment:
        'the database driver belongs to the platform, the launcher, `doctor` and the test kit',
      severity: 'error',
      from: {
        path: '^packages/',
        pathNot: [
          `${SERVER}/platform/`,
          '^packages/(launcher/src/postgres|cli/src/doctor)/',
          TESTS,
        ],
      },
      to: { path: 'node_modules/(pg|pg-pool)/' },
    },
    {
      name: 'testkit-in-tests-alone',
      severity: 'error',
      from: { pathNot: [TESTS, '^vitest[.]config[.]ts$'] },
      to: { path: '^packages/testkit/' },
    },
    {
      name: 'agents-know-the-sdk',
      comment: 'an agent package needs the sdk and what lies below it, nothing of OPMAS itself',
      severity: 'error',
      from: { path: '^agents/', pathNot: TESTS },
      to: { path: '^packages/', pathNot: '^packages/(sdk|rules|protocol)/' },
    },
    ...packageRules,
    ...serverRules,
    ...featureRules,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|_template)/' },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json', '.css'],
    },
  },
};
