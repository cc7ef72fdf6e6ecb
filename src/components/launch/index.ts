export { LaunchView } from './launchView';
export * from './types';
