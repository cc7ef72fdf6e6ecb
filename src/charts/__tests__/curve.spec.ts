import type uPlot from 'uplot';

import type { ICurveData } from '../align';
import type { ICurveStrings } from '../curve';
import type { IChartTheme } from '../theme';

/** jsdom has no canvas: drawing goes nowhere, the rest is real. */
function stubCanvas(): void {
  const nothing = () => undefined;
  const context = new Proxy(
    {},
    {
      get: (_, name) =>
        name === 'measureText' ? () => ({ width: 10 }) : nothing,
      set: () => true
    }
  );
  HTMLCanvasElement.prototype.getContext = (() =>
    context) as unknown as HTMLCanvasElement['getContext'];
  Object.assign(window, {
    matchMedia: () => ({
      addEventListener: nothing,
      removeEventListener: nothing
    }),
    Path2D: class {
      moveTo = nothing;
      lineTo = nothing;
      rect = nothing;
      arc = nothing;
      addPath = nothing;
    },
    ResizeObserver: class {
      observe = nothing;
      disconnect = nothing;
    }
  });
}

const strings: ICurveStrings = {
  x: 'step',
  legend: 'Curves',
  empty: 'Nothing to draw.',
  summary: curve =>
    `${curve.label}: ${curve.points} points, last ${curve.last}, lowest ${curve.lowest}, highest ${curve.highest}.`
};

const theme: IChartTheme = {
  foreground: 'black',
  muted: 'grey',
  grid: 'silver',
  font: '11px sans-serif',
  series: ['red', 'green', 'blue']
};

function curve(label: string, x: number[], y: number[]) {
  return { label, x, y };
}

function data(parts: Partial<ICurveData> = {}): ICurveData {
  return {
    xKind: 'step',
    logY: false,
    curves: [
      curve('train', [0, 1, 2], [3, NaN, 1]),
      curve('<b>val</b>', [2, 1], [4, 5])
    ],
    ...parts
  };
}

// The library looks at the window when it is loaded, so the stubs come first.
let mount: typeof import('../curve').mount;
let align: (given: ICurveData) => uPlot.AlignedData;
let themes: typeof import('../theme');

beforeAll(async () => {
  stubCanvas();
  ({ mount } = await import('../curve'));
  ({ align } = await import('../align'));
  themes = await import('../theme');
});

describe('align', () => {
  it('sorts and joins, with null for gaps and undefined for other steps', () => {
    expect(align(data())).toEqual([
      [0, 1, 2],
      [3, null, 1],
      [undefined, 5, 4]
    ]);
  });

  it('has seconds for times, and gaps where a logarithm has no value', () => {
    const curves = [curve('a', [1000, 2000], [0, 2])];
    expect(align(data({ curves, xKind: 'time', logY: true }))).toEqual([
      [1, 2],
      [null, 2]
    ]);
    expect(align(data({ curves: [] }))).toEqual([[]]);
  });
});

describe('mount', () => {
  let host: HTMLDivElement;
  const buttons = () => Array.from(host.querySelectorAll('button'));
  beforeEach(() => {
    host = document.createElement('div');
    document.body.append(host);
  });
  afterEach(() => host.remove());

  it('draws a plot, names its curves as text and says what they show', () => {
    const chart = mount(host, data(), { strings, theme });
    expect(host.querySelectorAll('.uplot')).toHaveLength(1);
    expect(host.querySelector('b')).toBeNull();
    expect(buttons().map(button => button.textContent)).toEqual([
      'train1',
      '<b>val</b>4'
    ]);
    expect(host.querySelector('.jp-mlkit-chart-summary')?.textContent).toBe(
      'train: 3 points, last 1, lowest 1, highest 3. ' +
        '<b>val</b>: 2 points, last 4, lowest 4, highest 5.'
    );
    chart.destroy();
    expect(host.childElementCount).toBe(0);
  });

  it('takes new points in place and keeps a hidden curve hidden', () => {
    const chart = mount(host, data(), { strings, theme });
    buttons()[0].click();
    expect(buttons()[0].getAttribute('aria-pressed')).toBe('false');
    const plot = host.querySelector('.uplot');
    const longer = data({
      curves: [curve('train', [0, 1], [3, 0.00012]), data().curves[1]]
    });
    chart.update(longer);
    expect(host.querySelector('.uplot')).toBe(plot);
    expect(buttons()[0].textContent).toBe('train1.20e-4');
    chart.update({ ...longer, logY: true });
    expect(host.querySelector('.uplot')).not.toBe(plot);
    expect(host.querySelectorAll('.uplot')).toHaveLength(1);
    expect(buttons()[0].getAttribute('aria-pressed')).toBe('false');
    chart.destroy();
  });

  it('draws anew in another theme only', () => {
    const chart = mount(host, data(), { strings, theme });
    const plot = host.querySelector('.uplot');
    chart.update(data(), { ...theme });
    expect(host.querySelector('.uplot')).toBe(plot);
    chart.update(data(), { ...theme, grid: 'white' });
    expect(host.querySelector('.uplot')).not.toBe(plot);
    chart.destroy();
  });

  it('says that there is nothing to draw', () => {
    const curves = [curve('a', [0], [NaN])];
    const chart = mount(host, data({ curves }), { strings, theme });
    expect(host.textContent).toContain('Nothing to draw.');
    expect(host.textContent).toContain('NaN');
    chart.destroy();
  });
});

describe('theme', () => {
  it('reads colours from the page', () => {
    const host = document.createElement('div');
    host.style.setProperty('--jp-border-color2', 'rgb(1, 2, 3)');
    host.style.setProperty('--jp-mlkit-colour1', 'orange');
    document.body.append(host);
    const read = themes.readTheme(host);
    expect(read.grid).toBe('rgb(1, 2, 3)');
    expect(read.series[1]).toBe('orange');
    host.remove();
  });

  it('never draws two of 32 curves alike', () => {
    const eight = { ...theme, series: [...'abcdefgh'] };
    const looks = Array.from({ length: 32 }, (_, i) =>
      [themes.seriesColour(eight, i), themes.seriesDash(eight, i)].join()
    );
    expect(new Set(looks).size).toBe(32);
  });
});
