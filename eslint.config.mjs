import js from '@eslint/js';
import jupyterPlugin from '@jupyter/eslint-plugin';
import prettierConfig from 'eslint-config-prettier';
import { defineConfig } from 'eslint/config';
import globals from 'globals';
import tseslint from 'typescript-eslint';

// Charts are bundled for notebook widgets too, where Lab and React do not exist.
const chartsStayAlone = {
  files: ['src/charts/**/*.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          { group: ['@jupyterlab/*', '@lumino/*', 'react', 'react-dom'] }
        ]
      }
    ]
  }
};

// Components get data and callbacks; only models fetch.
const componentsDoNotFetch = {
  files: ['src/components/**/*.ts', 'src/components/**/*.tsx'],
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [{ group: ['**/api/client', '**/api/request'] }] }
    ],
    'no-restricted-globals': ['error', 'fetch']
  }
};

export default defineConfig([
  {
    ignores: [
      '**/node_modules',
      '.venv',
      '.workspace',
      'coverage',
      'labextension/dist',
      'lib',
      '**/*.js',
      '**/*.mjs',
      '**/*.d.ts',
      'src/api/schema.ts',
      'ui-tests/test-results',
      'ui-tests/playwright-report'
    ]
  },
  js.configs.recommended,
  tseslint.configs.recommended,
  { plugins: { jupyter: jupyterPlugin } },
  jupyterPlugin.configs.recommended,
  {
    files: ['src/**/*.ts', 'src/**/*.tsx'],
    languageOptions: {
      globals: { ...globals.browser },
      parserOptions: { project: 'tsconfig.test.json', sourceType: 'module' }
    },
    rules: {
      '@typescript-eslint/naming-convention': [
        'error',
        {
          selector: 'interface',
          format: ['PascalCase'],
          custom: { regex: '^I[A-Z]', match: true }
        }
      ],
      '@typescript-eslint/no-unused-vars': ['warn', { args: 'none' }],
      '@typescript-eslint/no-namespace': 'off',
      'no-console': 'error',
      curly: ['error', 'all'],
      eqeqeq: 'error',
      'max-lines': ['error', 600],
      'prefer-arrow-callback': 'error'
    }
  },
  chartsStayAlone,
  componentsDoNotFetch,
  prettierConfig
]);
