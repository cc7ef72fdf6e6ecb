export { RunView } from './runView';
export * from './types';
