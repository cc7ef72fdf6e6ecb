/**
 * Somebody who looks at the jobs as long as one of them goes on, so that its end is heard of
 * although the panel is closed.
 */
import type { IDisposable } from '@lumino/disposable';
import { DisposableDelegate } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

/** What is attended. */
export interface IAttended {
  readonly active: readonly unknown[];
  readonly stateChanged: ISignal<unknown, void>;
  look(): IDisposable;
}

/** Look while something is active; nothing is asked where nothing is. */
export function attend(jobs: IAttended): IDisposable {
  let isLooking = false;
  let look: IDisposable | null = null;
  const check = () => {
    const wants = jobs.active.length > 0;
    if (wants && !isLooking) {
      // The first look may itself say that something has changed.
      isLooking = true;
      look = jobs.look();
    } else if (!wants && look) {
      look.dispose();
      look = null;
      isLooking = false;
    }
  };
  jobs.stateChanged.connect(check);
  check();
  return new DisposableDelegate(() => {
    jobs.stateChanged.disconnect(check);
    look?.dispose();
  });
}
