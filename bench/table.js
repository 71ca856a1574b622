/** The rows of all measures go in, one Markdown table comes out: a median and its quartiles, its ratio to a figure beside it, its goal. */
import { cpus } from 'node:os';
import { pairwise, quantile } from './rounds.js';

const HEAD = ['measure', 'variant', 'median', 'quartiles', 'unit', 'ratio', 'goal', ''];

/** Adds to each row its median, its ratio, and whether it meets its goal. */
export function evaluate(row) {
  const figure = quantile(row.samples, 0.5);
  const ratio = row.over && ratioOf(row);
  if (row.goal === undefined) return { ...row, figure, ratio };
  const { of, most = Number.POSITIVE_INFINITY, least = Number.NEGATIVE_INFINITY } = row.goal;
  // As printed: what reads 1.00 is 1.00.
  const value = Number(of === 'ratio' ? ratio.toFixed(2) : digits(figure));
  return { ...row, figure, ratio, met: value <= most && value >= least };
}

/** Within each round; but a difference of two figures can be next to nothing in one round, and its median is what can be divided by. */
function ratioOf({ samples, over, differences }) {
  if (differences) return quantile(samples, 0.5) / quantile(over.samples, 0.5);
  return quantile(
    pairwise(samples, over.samples, (a, b) => a / b),
    0.5,
  );
}

/** The table, with a line above it that says where and how it was made. */
export function print(rows, { short }) {
  const lines = rows.map(cellsOf);
  const widths = HEAD.map((_title, i) =>
    Math.max(...[HEAD, ...lines].map((cells) => cells[i].length)),
  );
  const numeric = new Set(['median', 'quartiles', 'ratio']);
  const line = (cells) =>
    `| ${cells.map((cell, i) => (numeric.has(HEAD[i]) ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join(' | ')} |`;
  const rule = widths.map((width, i) =>
    numeric.has(HEAD[i]) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  const machine = `${cpus().length} × ${cpus()[0].model.trim()}`;
  const form = short ? ' The short form: its spread is wide.' : '';
  return [
    `Node.js ${process.versions.node}, ${machine}, HTTP instrumentation on.${form}`,
    '',
    line(HEAD),
    line(rule),
    ...lines.map(line),
  ].join('\n');
}

function cellsOf({ measure, variant, figure, samples, unit, ratio, over, goal, met }) {
  const spread =
    samples.length > 1
      ? `${digits(quantile(samples, 0.25))}–${digits(quantile(samples, 0.75))}`
      : '';
  return [
    measure,
    variant,
    digits(figure),
    spread,
    unit,
    ratio === undefined ? '' : `${ratio.toFixed(2)} × ${over.name}`,
    goal === undefined ? '' : goalText(goal, unit),
    met === undefined ? '' : met ? 'met' : 'missed',
  ];
}

function goalText({ of, most, least }, unit) {
  const bound = most === undefined ? `at least ${least}` : `at most ${most}`;
  return of === 'ratio' ? `${bound} ×` : `${bound} ${unit.split(' ')[0]}`;
}

/** Three digits that say something. */
function digits(value) {
  const size = Math.abs(value);
  return value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
}
