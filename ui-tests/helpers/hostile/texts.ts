/**
 * Texts that mean harm, written into every field by `seed.py`.
 */
import { execFile } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { promisify } from 'util';

import type { ServerKind } from '../runs';

/** A text, and its name as it tells of itself where it runs. */
export interface IHostile {
  name: string;
  text: string;
}

/** All of them. */
export const HOSTILE: readonly IHostile[] = JSON.parse(
  fs.readFileSync(path.join(__dirname, 'texts.json'), 'utf8')
);

export const TEXTS = HOSTILE.map(({ text }) => text);

/** The best known of them. */
export const IMG = HOSTILE.find(({ name }) => name === 'img onerror')!.text;

/** How many different texts each field holds. */
export type Fields = Record<string, number>;

/** What was logged. */
export interface ISeeded {
  /** Ids of experiments, one for each text. */
  experiments: string[];
  /** Id of the run that holds all texts. */
  everything: string;
  /** Ids of the runs that hold one text each, by its name. */
  runs: Record<string, string>;
  /** Paths of the artifacts of `everything`. */
  artifacts: string[];
  /** Names of registered models. */
  models: string[];
  /** How many texts MLflow's client refused at first, by field. */
  refused: Record<string, number>;
  fields: Fields;
}

/** Log them all. */
export async function seed(kind: ServerKind): Promise<ISeeded> {
  return python(kind);
}

/** Make the texts names, errors and outputs of jobs that are like `jobId`. */
export async function copyJob(
  kind: ServerKind,
  jobId: string
): Promise<{ jobs: string[]; fields: Fields }> {
  return python(kind, jobId);
}

async function python<T>(...args: string[]): Promise<T> {
  const script = path.join(__dirname, 'seed.py');
  const { stdout } = await promisify(execFile)('python', [script, ...args]);
  return JSON.parse(stdout);
}
