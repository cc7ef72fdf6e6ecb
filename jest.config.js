const jestJupyterLab = require('@jupyterlab/testutils/lib/jest-config');

// Lab and its friends publish ES modules, which jest has to transform.
const esModules = [
  '@codemirror',
  '@jupyter',
  '@jupyterlab/',
  '@microsoft',
  '@rjsf/',
  'exenv-es6',
  'lib0',
  'nanoid',
  'vscode-ws-jsonrpc',
  'y-protocols',
  'y-websocket',
  'yjs'
].join('|');

const base = jestJupyterLab(__dirname);

module.exports = {
  ...base,
  automock: false,
  coverageDirectory: 'coverage',
  modulePathIgnorePatterns: [
    '<rootDir>/labextension/dist',
    '<rootDir>/lib',
    '<rootDir>/.venv'
  ],
  reporters: ['default'],
  testRegex: 'src/.*/__tests__/.*\\.spec\\.tsx?$',
  transformIgnorePatterns: [`/node_modules/(?!${esModules}).+`]
};
