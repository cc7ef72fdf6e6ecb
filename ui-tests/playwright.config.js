/**
 * Three servers, three projects: `lab` with Galata's helpers, `hub` with token, XSRF and a prefix,
 * `hostile` whose store somebody who means harm has filled.
 */
const { execFileSync } = require('child_process');
const base = require('@jupyterlab/galata/lib/playwright-config');

/** A free port, found once: the workers inherit it through the environment. */
function port(name) {
  const variable = `MLKIT_${name}_PORT`;
  if (!process.env[variable]) {
    process.env[variable] = execFileSync('python', [
      '-c',
      'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
    ])
      .toString()
      .trim();
  }
  return process.env[variable];
}

const lab = port('LAB');
const hub = port('HUB');
const hostile = port('HOSTILE');
process.env.MLKIT_TOKEN = process.env.MLKIT_TOKEN || 'a-token-for-tests';

const chromium = execFileSync('bash', ['../.ci/browser', '--print'])
  .toString()
  .trim();

/** Switches that keep a browser in a closed network from waiting for its maker's servers. */
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage'
];

const server = (kind, portOf, path) => ({
  command: `exec python serve.py ${kind}`,
  env: { ...process.env, MLKIT_PORT: portOf },
  url: `http://127.0.0.1:${portOf}${path}`,
  timeout: 120000,
  reuseExistingServer: false,
  stderr: process.env.MLKIT_SERVER_LOG ? 'pipe' : 'ignore',
  gracefulShutdown: { signal: 'SIGTERM', timeout: 10000 }
});

module.exports = {
  ...base,
  testDir: 'tests',
  workers: 1,
  retries: 0,
  // Jobs of a test take a minute each where the machine is busy.
  timeout: 300000,
  expect: { timeout: 20000 },
  reporter: [['list']],
  use: {
    ...base.use,
    actionTimeout: 20000,
    video: 'off',
    trace: 'retain-on-failure',
    viewport: { width: 1440, height: 900 },
    launchOptions: {
      ...(chromium ? { executablePath: chromium } : {}),
      args
    }
  },
  projects: [
    {
      name: 'lab',
      testMatch: /lab\/.*\.spec\.ts/,
      use: { baseURL: `http://127.0.0.1:${lab}` }
    },
    {
      name: 'hub',
      testMatch: /hub\/.*\.spec\.ts/,
      use: { baseURL: `http://127.0.0.1:${hub}/user/x/` }
    },
    {
      name: 'hostile',
      testMatch: /hostile\/.*\.spec\.ts/,
      // A trace of pages so full takes longer than the test.
      use: { baseURL: `http://127.0.0.1:${hostile}`, trace: 'off' }
    }
  ],
  webServer: [
    server('lab', lab, '/lab'),
    server('hub', hub, '/user/x/login'),
    server('hostile', hostile, '/lab')
  ]
};
